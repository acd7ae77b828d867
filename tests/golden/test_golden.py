"""What every release wrote is read by the present code, and a worker that starts on it decides on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.lane_job import Emit
from schemas.cells import (
    BreakerCell,
    BurstCell,
    BuyerCell,
    Cell,
    ControlCell,
    HoldCell,
    OrderCell,
    RequestCell,
    ShopCell,
    SpendCell,
    StrategyCell,
    dump_cell,
    load_cell,
)
from schemas.codec import INPUT_MODELS, decode
from schemas.errors import InvalidRecord, InvariantBroken
from schemas.topics import DEAD_LETTER, TABLES, changelog_topic
from tables.stores.memory import MemoryStore
from tests.builders import later, record, request_value
from tests.golden.make import APP_ID, AWAY, golden_lane
from tests.json_schemas import check_output
from tests.lane import Lane, verdict

FILES = sorted(Path(__file__).parent.glob("*.jsonl"))
KINDS: dict[str, type[Cell]] = {
    "orders": OrderCell, "requests": RequestCell, "daily_spend": SpendCell, "buyers": BuyerCell, "holds": HoldCell,
    "breakers": BreakerCell,
}  # fmt: skip
Json = dict[str, Any]


def lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def kind_of(table: str, key: str) -> type[Cell]:
    if table == "strategies":
        return StrategyCell if "|" in key else ShopCell
    if table == "controls":
        return BurstCell if key == "dead-letters" else ControlCell
    return KINDS[table]


def cells(path: Path) -> list[tuple[str, str, bytes | None]]:
    """Table, key and value of each changelog record, in order."""
    tables = {changelog_topic(APP_ID, table): table for table in TABLES}
    return [
        (tables[line["topic"]], line["key"], None if line["value"] is None else line["value"].encode())
        for line in lines(path)
        if line["topic"] in tables
    ]


def restored(path: Path) -> Lane:
    """A lane whose stores hold what the release's changelogs say."""
    stores = {name: MemoryStore() for name in TABLES}
    for table, key, value in cells(path):
        stores[table].apply({key.encode(): value}, 0)
    return golden_lane(stores=stores)


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_the_story_makes_every_kind_of_cell(path: Path) -> None:
    kinds = {kind_of(table, key) for table, key, value in cells(path) if value is not None}
    assert kinds == {*KINDS.values(), StrategyCell, ShopCell, BurstCell, ControlCell}


def test_every_cell_keeps_the_values_it_was_written_with(path: Path) -> None:
    for table, key, value in cells(path):
        if value is not None:
            said = json.loads(dump_cell(load_cell(kind_of(table, key), value)))
            assert _without(said, json.loads(value)) == json.loads(value), (table, key)


def test_a_cell_of_a_later_format_is_no_cell(path: Path) -> None:
    for table, key, value in cells(path):
        if value is not None:
            later_cell = json.dumps(json.loads(value) | {"v": 2}).encode()
            with pytest.raises(InvariantBroken):
                load_cell(kind_of(table, key), later_cell)


def test_every_event_is_still_understood(path: Path) -> None:
    letters = [line["value"] for line in lines(path) if line["topic"] == DEAD_LETTER.name]
    bad = []
    for line in lines(path):
        if line["topic"] in INPUT_MODELS:
            try:
                decode(line["topic"], line["value"].encode())
            except InvalidRecord:
                bad.append(line["value"])
        elif line["topic"] in {"refund-decision", "refund-alert"}:
            check_output(Emit(line["topic"], line["key"].encode(), line["value"].encode()))
    assert bad == letters


def test_a_worker_restored_from_it_decides_on(path: Path) -> None:
    lane = restored(path)
    ask = {"order_id": "o-5", "amount_fen": 50}
    lane.feed("after-sale-request", request_value(request_id="r-10", **ask), at=later(seconds=60))
    assert verdict(lane.decision) == ("auto_approve", "approved")
    assert (lane.decision["spent_before_fen"], lane.decision["spent_after_fen"]) == (950, 1000)
    lane.feed("after-sale-request", request_value(request_id="r-11", order_id="o-3", amount_fen=1))
    assert verdict(lane.decision) == ("manual_review", "daily_cap_reached")
    lane.feed("after-sale-request", request_value(request_id="r-12", order_id="o-1", amount_fen=1))
    assert lane.decision["reasons"][0] == "item_already_refunded"
    lane.feed("after-sale-request", request_value(request_id="r-13", order_id="o-6", amount_fen=1))
    assert lane.decision["reasons"][0] == "seller_rejected_before"
    lane.feed("after-sale-request", request_value(request_id="r-14", shop_id="shop-3", order_id="o-1"))
    assert lane.decision["reasons"][0] == "halted"


def test_a_repeat_of_what_it_took_is_a_repeat(path: Path) -> None:
    lane = restored(path)
    asked = [line for line in lines(path) if line["topic"] == "after-sale-request"]
    known = [line for line in asked if "request_id" in line["value"] and AWAY not in line["key"]]
    lane.process(*(record(line["topic"], json.loads(line["value"])) for line in known), at=later(minutes=1))
    assert lane.tally["duplicates",] == len(known) > 0
    assert (lane.decisions, lane.alerts) == ([], [])


def test_a_hold_of_it_ends_when_it_is_due(path: Path) -> None:
    lane = restored(path)
    lane.process(at=later(minutes=11))
    assert [(one["request_id"], one["reasons"][0]) for one in lane.decisions] == [("r-4", "order_unknown")]


def _without(said: Any, written: Any) -> Any:
    """`said`, without fields that the release did not write: it did not know them."""
    if isinstance(said, dict) and isinstance(written, dict):
        return {name: _without(value, written[name]) for name, value in said.items() if name in written}
    if isinstance(said, list) and isinstance(written, list) and len(said) == len(written):
        return [_without(one, other) for one, other in zip(said, written, strict=True)]
    return said
