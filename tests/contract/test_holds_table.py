"""The order in which holds end: kept beside the store, and the same when made anew from it (domain [43])."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import InvariantBroken
from schemas.ids import join_key
from tables.lane_tables import LaneTables
from tests.contract.shelf import KINDS, Shelf, hold


def due(tables: LaneTables, until: int) -> list[str]:
    return [cell.request.request_id for cell in tables.holds.due(until)]


def test_holds_are_due_in_order_of_due_time_then_arrival_after_the_commit(shelf: Shelf) -> None:
    tables = shelf.open()
    for request_id, when, arrival in (("r-c", 20, 1), ("r-a", 10, 9), ("r-b", 10, 2)):
        tables.holds.start(hold(request_id, when, arrival))
    assert due(tables, 99) == []
    shelf.commit(tables)
    assert (due(tables, 9), due(tables, 10), due(tables, 20)) == ([], ["r-b", "r-a"], ["r-b", "r-a", "r-c"])
    assert (tables.holds.next_due(), len(tables.holds)) == (10, 3)
    assert due(shelf.open(), 20) == ["r-b", "r-a", "r-c"]


def test_a_hold_that_the_batch_ended_is_not_due_in_it(shelf: Shelf) -> None:
    tables = shelf.open()
    tables.holds.start(hold("r-1", 10))
    shelf.commit(tables)
    tables.holds.end("shop-1", "r-1")
    assert due(tables, 10) == []


def test_a_hold_that_began_and_ended_in_one_batch_was_never_due(shelf: Shelf) -> None:
    tables = shelf.open()
    tables.holds.start(hold("r-1", 10))
    tables.holds.end("shop-1", "r-1")
    shelf.commit(tables)
    assert (due(tables, 10), tables.holds.next_due()) == ([], None)


def test_arrivals_go_on_after_the_largest_that_is_known(shelf: Shelf) -> None:
    tables = shelf.open()
    assert [tables.holds.next_arrival() for _ in range(2)] == [1, 2]
    tables.holds.start(hold(arrival=7))
    shelf.commit(tables)
    assert shelf.open().holds.next_arrival() == 8


def test_a_queue_that_lost_a_hold_is_a_broken_invariant(shelf: Shelf) -> None:
    tables = shelf.open()
    tables.holds.start(hold())
    shelf.commit(tables)
    tables.holds._queue.clear()
    tables.holds.end("shop-1", "r-1")
    with pytest.raises(InvariantBroken, match="lost one"):
        tables.commit()


moves = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 5) | st.none(), st.sampled_from(["commit", "abort", "go on"])),
    max_size=30,
)


@settings(max_examples=60)
@given(moves)
def test_the_queue_of_holds_is_what_a_lane_that_opens_would_make_of_the_store(
    moves: list[tuple[str, int | None, str]],
) -> None:
    shelf = Shelf(KINDS["memory"], Path())
    tables = shelf.open()
    for name, when, then in moves:
        if when is None:
            tables.holds.end("shop-1", name)
        else:
            tables.holds.start(hold(name, when, tables.holds.next_arrival()))
        if then == "commit":
            shelf.commit(tables)
        elif then == "abort":
            tables.abort()
    tables.abort()
    afresh = shelf.open()
    assert (due(tables, 9), tables.holds.next_due()) == (due(afresh, 9), afresh.holds.next_due())
    assert {key for key, _ in shelf.stores["holds"].items()} == {join_key("shop-1", name) for name in due(tables, 9)}
