"""`python -m schemas.export [--check]`: the contract as JSON Schemas, under schemas/json/, for readers in any language.

The files are golden: what is committed is what others build on, and a test fails where the models say something else.
JSON Schema cannot say everything: 1.0 counts as an integer there, a window may start where it ends, a time may name the
30th of February. The codec has the last word.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from schemas import cells
from schemas.codec import INPUT_MODELS
from schemas.events import Event, RefundAlert, RefundDecision, ShopCapConfig
from schemas.money import Money
from schemas.topics import REFUND_ALERT, REFUND_DECISION, STRATEGY_CONFIG

__all__ = ["FOLDER", "differences", "export", "main"]

FOLDER: Final = Path(__file__).parent / "json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]

EVENTS: Final[dict[str, type[Event]]] = INPUT_MODELS | {
    REFUND_DECISION.name: RefundDecision,
    REFUND_ALERT.name: RefundAlert,
}
"""The model of each topic that carries JSON; dead letters carry whatever came."""
CELLS: Final[tuple[type[cells.Cell], ...]] = (
    cells.BreakerCell,
    cells.BurstCell,
    cells.BuyerCell,
    cells.ControlCell,
    cells.HoldCell,
    cells.OrderCell,
    cells.RequestCell,
    cells.ShopCell,
    cells.SpendCell,
    cells.StrategyCell,
)


def export() -> dict[str, str]:
    """Every file that stands under `FOLDER`: its path there, and its text."""
    found = {f"{topic}.json": _text(_event_schema(topic, model)) for topic, model in EVENTS.items()}
    return found | {f"cells/{cell.__name__}.json": _text(_schema_of(cell)) for cell in CELLS}


def differences(folder: Path = FOLDER) -> list[str]:
    """The paths that are missing in `folder`, differ from the export, or do not belong there."""
    wanted = export()
    present = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Write the files; with --check only compare, and return 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m schemas.export", description="Writes the JSON Schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not up to date")
    if not parser.parse_args(arguments).check:
        _write(folder)
        return 0
    found = differences(folder)
    for name in found:
        sys.stderr.write(f"not up to date: {name} (python -m schemas.export writes it)\n")
    return 1 if found else 0


class _Generator(GenerateJsonSchema):
    """Money defaults as what stands on the wire; no titles that only repeat a field's name."""

    def encode_default(self, dft: Any) -> Any:
        return dft.fen if isinstance(dft, Money) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def _schema_of(model: type[BaseModel]) -> JsonSchema:
    return model.model_json_schema(schema_generator=_Generator)


def _event_schema(topic: str, model: type[BaseModel]) -> JsonSchema:
    if topic != STRATEGY_CONFIG.name:
        return _schema_of(model)
    models = (model, ShopCapConfig)
    references, schema = models_json_schema([(one, "validation") for one in models], schema_generator=_Generator)
    return {
        "title": STRATEGY_CONFIG.name,
        "description": 'A strategy; or, with strategy_id "*", the cap over all strategies of a shop.',
        "oneOf": [references[one, "validation"] for one in models],
    } | schema


def _text(schema: JsonSchema) -> str:
    return json.dumps({"$schema": DIALECT} | schema, ensure_ascii=False, indent=1) + "\n"


def _write(folder: Path) -> None:
    wanted = export()
    for name in differences(folder):
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], "utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
