"""Persisted cells outlive the code: what was written is read again, by this release and with what the next may add."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    VersionCell,
    dump_cell,
    load_cell,
)
from schemas.errors import InvariantBroken
from schemas.money import FEN_MAX, Money
from schemas.vocabulary import Outcome, ResultStatus
from tests.builders import AT_MICROS, approval, logistics, order, request, shop_cap, strategy
from tests.json_schemas import validator

WHISPER = "a buyer's name"
fen = st.integers(0, FEN_MAX).map(Money)
micros = st.integers(-(2**60), 2**60)
texts = st.text(max_size=10)
ids = st.text(min_size=1, max_size=10)
ticks = st.lists(st.tuples(micros, st.integers(1, 1000)), max_size=4).map(tuple)
days = st.dates().map(str)

approvals = st.builds(
    approval,
    decision_id=ids,
    spend_day=days,
    amount_fen=fen,
    item_ids=st.lists(ids, max_size=3),
    status=st.none() | st.sampled_from(ResultStatus),
    executed_fen=fen,
    result_at=st.none() | micros,
    recovered_fen=fen,
)
versions = st.builds(VersionCell, digest=texts, order_id=ids, outcome=st.none() | st.sampled_from(Outcome))
any_cell: st.SearchStrategy[Cell] = st.one_of(
    st.builds(ShopCell, strategy_ids=st.lists(ids).map(tuple), cap=st.none() | st.builds(shop_cap)),
    st.builds(StrategyCell, config=st.builds(strategy, name=texts, version=st.integers(0, 2**63 - 1))),
    st.builds(
        OrderCell,
        logistics=st.none() | st.builds(logistics, paid_fen=fen),
        approvals=st.lists(approvals, max_size=3).map(tuple),
        rejected_item_ids=st.lists(ids).map(tuple),
        held_request_ids=st.lists(ids).map(tuple),
    ),
    st.builds(RequestCell, newest=micros, versions=st.dictionaries(st.integers(1, 2**63 - 1), versions, max_size=3)),
    st.builds(
        SpendCell,
        executed_fen=fen,
        reserved_fen=fen,
        armed=st.booleans(),
        alerts=st.integers(0, 3),
        cap_reached=st.booleans(),
    ),
    st.builds(
        BuyerCell,
        days=st.dictionaries(days, st.tuples(st.integers(0, 99), st.integers(0, 2**63 - 1))),
        blocked=st.booleans(),
        blocked_until=st.none() | micros,
    ),
    st.builds(HoldCell, due=micros, arrival=st.integers(0, 2**60), request=st.builds(request, reason=texts)),
    st.builds(ControlCell, halted=st.booleans(), by=texts, reason=texts, at=micros),
    st.builds(BurstCell, recent=ticks, alerted_at=st.none() | micros),
    st.builds(BreakerCell, version=micros, tripped=st.booleans(), recent=ticks),
)

EXAMPLES: list[Cell] = [
    ShopCell(strategy_ids=("s-1",), cap=shop_cap()),
    StrategyCell(config=strategy()),
    order(approvals=(approval(),), rejected_item_ids=("i",), held_request_ids=("r",)),
    RequestCell(newest=1, versions={1: VersionCell(digest="d", order_id="o", outcome=Outcome.AUTO_APPROVE)}),
    SpendCell(executed_fen=Money(1), reserved_fen=Money(2)),
    BuyerCell(days={"2026-11-23": (1, 500)}),
    HoldCell(due=AT_MICROS, arrival=1, request=request()),
    ControlCell(halted=True, by="b", reason="r", at=AT_MICROS),
    BurstCell(recent=((AT_MICROS, 3),)),
    BreakerCell(version=1),
]
each_cell = pytest.mark.parametrize("cell", EXAMPLES, ids=lambda cell: type(cell).__name__)


def body(cell: Cell) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dump_cell(cell))
    return found


@settings(max_examples=200)
@given(any_cell)
def test_a_cell_that_was_written_is_read_again(cell: Cell) -> None:
    assert load_cell(type(cell), dump_cell(cell)) == cell


def test_there_is_an_example_of_every_cell() -> None:
    assert {type(cell) for cell in EXAMPLES} == set(Cell.__subclasses__())


@each_cell
def test_a_written_cell_bears_its_format_and_fits_its_json_schema(cell: Cell) -> None:
    written = body(cell)
    assert written["v"] == 1
    validator(f"cells/{type(cell).__name__}").validate(written)


@each_cell
def test_a_field_that_a_later_release_added_is_kept(cell: Cell) -> None:
    added = body(cell) | {"added_later": {"x": 1.5}}
    assert body(load_cell(type(cell), json.dumps(added).encode())) == added


@each_cell
@pytest.mark.parametrize("format_", [2, 0, "1", None])
def test_a_cell_of_an_unknown_format_is_a_broken_invariant(cell: Cell, format_: object) -> None:
    with pytest.raises(InvariantBroken, match=f"unreadable {type(cell).__name__}"):
        load_cell(type(cell), json.dumps(body(cell) | {"v": format_}).encode())


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b"\xff", b'{"v": 1, "executed_fen": 1.5}'])
def test_bytes_that_are_no_cell_are_a_broken_invariant(raw: bytes) -> None:
    kind = SpendCell if b"executed" in raw else HoldCell
    with pytest.raises(InvariantBroken):
        load_cell(kind, raw)


@each_cell
def test_a_cell_that_cannot_be_read_is_not_quoted(cell: Cell) -> None:
    """What a worker stops with goes to its log; cells hold buyers' ids and what they bought."""
    with pytest.raises(InvariantBroken) as error:
        load_cell(type(cell), json.dumps(body(cell) | {"v": WHISPER}).encode())
    assert WHISPER not in "".join(traceback.format_exception(error.value))


def test_a_cell_written_before_its_format_was_told_is_of_the_first() -> None:
    assert load_cell(SpendCell, b"{}") == SpendCell()


def test_spent_is_executed_and_reserved_together() -> None:
    assert SpendCell(executed_fen=Money(3), reserved_fen=Money(4)).spent == Money(7)


def test_a_cell_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        SpendCell().armed = False  # type: ignore[misc]
