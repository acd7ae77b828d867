"""The exported JSON Schemas: up to date, as strict as the models, and true of every sample."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas import cells
from schemas.codec import INPUT_MODELS
from schemas.export import CELLS, EVENTS, FOLDER, differences, export, main
from tests.contract.samples import OUTPUTS, body_of, samples
from tests.json_schemas import validator

TOPICS = (*INPUT_MODELS, *OUTPUTS)


def test_what_is_committed_is_what_the_models_say() -> None:
    assert differences() == [], "run: python -m schemas.export"


def test_the_export_is_the_same_in_another_process() -> None:
    code = "import sys; from schemas.export import differences; sys.exit(len(differences()))"
    subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1], env={"PYTHONHASHSEED": "7"}, check=True)


def test_run_as_a_script_it_exits_with_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["export.py", "--check"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(FOLDER.parent / "export.py"), run_name="__main__")
    assert left.value.code == 0


def test_every_cell_is_exported() -> None:
    assert set(CELLS) == set(cells.Cell.__subclasses__())


@pytest.mark.parametrize("name", sorted(export()))
def test_every_export_is_a_json_schema(name: str) -> None:
    assert validator(name.removesuffix(".json")).schema


@pytest.mark.parametrize("path", samples("good", *TOPICS))
def test_a_good_sample_is_accepted_by_the_json_schema(path: Path) -> None:
    validator(path.parts[-3]).validate(body_of(path))


@pytest.mark.parametrize("path", [one for one in samples("bad", *TOPICS) if "value" in body_of(one.values[0])])
def test_a_bad_sample_is_refused_by_the_json_schema_where_it_has_words_for_it(path: Path) -> None:
    bad = body_of(path)
    assert validator(path.parts[-3]).is_valid(bad["value"]) == bad.get("beyond_json_schema", False)


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every schema of an integer or a text in a document, however deep."""
    if isinstance(schema, list):
        return [found for one in schema for found in objects(one)]
    if not isinstance(schema, dict):
        return []
    nested = [found for key, one in schema.items() if key not in {"default", "enum"} for found in objects(one)]
    return [*nested, schema] if schema.get("type") in {"integer", "string"} else nested


@pytest.mark.parametrize("topic", INPUT_MODELS)
def test_every_integer_and_text_of_an_input_has_its_limits(topic: str) -> None:
    for schema in objects(json.loads((FOLDER / f"{topic}.json").read_text("utf-8"))):
        known = schema.keys()
        if schema["type"] == "integer":
            assert known & {"minimum", "exclusiveMinimum"}, schema
            assert "maximum" in known, schema
        else:
            assert known & {"maxLength", "enum", "pattern", "const"} or schema == {"type": "string"}, schema


def test_the_defaults_of_the_contract_stand_in_the_strategy_schema() -> None:
    schema = json.loads((FOLDER / "strategy-config.json").read_text("utf-8"))["$defs"]["StrategyConfig"]
    defaults = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
    assert defaults == {
        "enabled": False,
        "deleted": False,
        "mode": "live",
        "priority": 100,
        "product_scope": {"mode": "all", "product_ids": [], "excluded_product_ids": []},
        "order_states": {
            "shipped_not_received": {"enabled": True, "min_days": None, "max_days": None},
            "received": {"enabled": True, "min_days": None, "max_days": None},
        },
        "per_order_cap_fen": 1000,
        "daily_cap_fen": 10_000_000,
        "risk_check": True,
        "execution_windows": [],
        "buyer_limits": None,
        "breaker": None,
        "owner": "merchant",
    }


def test_every_event_has_its_file() -> None:
    assert {f"{topic}.json" for topic in EVENTS} <= export().keys()


def test_the_command_writes_and_then_finds_nothing_to_change(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def test_check_names_what_is_missing_differs_or_does_not_belong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    (tmp_path / "control.json").unlink()
    (tmp_path / "buyer-list.json").write_text("{}")
    (tmp_path / "cells" / "OldCell.json").write_text("{}")
    assert main(["--check"], tmp_path) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in told] == [
        "not up to date: buyer-list.json",
        "not up to date: cells/OldCell.json",
        "not up to date: control.json",
    ]
    main([], tmp_path)
    assert differences(tmp_path) == []
