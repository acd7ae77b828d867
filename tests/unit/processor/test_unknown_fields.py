"""What a later release remembers in a cell stays there, whatever this one does with the cell."""

from __future__ import annotations

import json
from typing import Any

from schemas.cells import (
    BreakerCell,
    BurstCell,
    BuyerCell,
    ControlCell,
    HoldCell,
    OrderCell,
    RequestCell,
    ShopCell,
    SpendCell,
    StrategyCell,
)
from tests.golden.make import golden_lane, story
from tests.golden.test_golden import kind_of
from tests.lane import Lane

LATER = {"a_later_release": {"remembers": ["this"]}}
BEGUN_ANEW = (StrategyCell, ControlCell, HoldCell)
"""A version of a config, a switch or a hold takes the place of the one before it: it is no change of a cell."""
Json = dict[str, Any]


def parts(table: str, cell: Json) -> list[Json]:
    """The cell, and whatever in it has fields of its own."""
    inside = {"orders": cell.get("approvals", []), "requests": [*cell.get("versions", {}).values()]}
    return [cell, *inside.get(table, [])]


def marked(table: str, raw: bytes) -> bytes:
    """The cell as a later release would have written it."""
    cell = json.loads(raw)
    for part in parts(table, cell):
        part.update(LATER)
    return json.dumps(cell).encode()


def mark_all(lane: Lane) -> None:
    for table, store in lane.stores.items():
        store.apply({key: marked(table, raw) for key, raw in store.items()}, 0)


def kept_cells(lane: Lane) -> dict[tuple[str, bytes], bytes]:
    return {
        (table, key): raw
        for table, store in lane.stores.items()
        for key, raw in store.items()
        if kind_of(table, key.decode()) not in BEGUN_ANEW
    }


def test_every_cell_that_is_changed_keeps_it() -> None:
    """The story record by record, so that each finds what those before it left."""
    lane, changed = golden_lane(), set()
    for at, records in story():
        for one in records:
            mark_all(lane)
            before = kept_cells(lane)
            lane.process(one, at=at)
            now = kept_cells(lane)
            for (table, key), raw in before.items():
                if now.get((table, key)) not in {None, raw}:
                    changed.add(kind_of(table, key.decode()))
                    assert now[table, key].count(b"a_later_release") >= raw.count(b"a_later_release"), (table, key)
    assert changed == {ShopCell, OrderCell, RequestCell, SpendCell, BuyerCell, BurstCell, BreakerCell}
