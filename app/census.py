"""A look through the tables of this worker's lanes, for the gauges: what today has cost, and who is halted. Read only.

It is made a cell at a time, so that whoever looks may rest in between: tables can be large, and lanes come first.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.metrics import TopStrategy
from schemas.cells import ControlCell, SpendCell
from schemas.ids import ALL, split_key
from schemas.times import SpendDay
from tables import controls, daily_spend, strategies
from tables.cell_table import CellTable
from tables.stores import Store
from tables.strategies import Strategies

__all__ = ["Census", "Consumption", "census"]

RED_PERCENT: Final = 90
"""Above it a strategy's consumption is shown in red (announcement, 5; domain [15])."""


class Consumption(StrEnum):
    """How much of a day's budget is used."""

    NORMAL = "normal"
    RED = "red"
    """More than 90 %."""
    FULL = "full"
    """All of it, or so much that the cap turned a request away."""


@dataclass(slots=True)
class Census:
    """What was found."""

    executed_fen: int = 0
    reserved_fen: int = 0
    strategies: dict[Consumption, int] = field(default_factory=lambda: dict.fromkeys(Consumption, 0))
    halted_shops: int = 0
    top: list[TopStrategy] = field(default_factory=list)
    """The highest, in no promised order."""


def census(lanes: Mapping[int, Mapping[str, Store]], day: SpendDay, top_max: int) -> Generator[None, None, Census]:
    """Look at the stores (by lane, then table); yields after each cell, and returns what was found of `day`."""
    found = Census()
    for stores in lanes.values():
        yield from _spend(found, stores, day, top_max)
        yield from _halts(found, stores[controls.NAME])
    return found


def _spend(found: Census, stores: Mapping[str, Store], day: SpendDay, top_max: int) -> Generator[None, None, None]:
    spend = CellTable(stores[daily_spend.NAME], SpendCell)
    configs = Strategies(stores[strategies.NAME])
    ending = f"|{day}".encode()
    for key in spend.keys():  # noqa: SIM118 - it is a table, not a dict
        yield
        if not key.endswith(ending):
            continue  # another day, or a shadow's
        shop_id, strategy_id, _ = split_key(key)
        cell = None if strategy_id == ALL else spend.peek(key)
        if cell is None:
            continue
        found.executed_fen += cell.executed_fen.fen
        found.reserved_fen += cell.reserved_fen.fen
        config = configs.get(shop_id, strategy_id)
        cap = 0 if config is None else config.daily_cap_fen.fen
        found.strategies[_consumption(cell, cap)] += 1
        if cap > 0:
            _keep(found.top, TopStrategy(cell.spent.fen / cap, shop_id, strategy_id), top_max)


def _halts(found: Census, store: Store) -> Generator[None, None, None]:
    switches = CellTable(store, ControlCell)
    for key in store.keys():  # noqa: SIM118 - as above
        yield
        switch = None if key in {controls.GLOBAL, controls.DEAD_LETTERS} else switches.peek(key)
        found.halted_shops += switch is not None and switch.halted


def _consumption(cell: SpendCell, cap: int) -> Consumption:
    if cell.cap_reached or cell.spent.fen >= cap:
        return Consumption.FULL
    return Consumption.RED if cell.spent.fen * 100 > cap * RED_PERCENT else Consumption.NORMAL


def _keep(top: list[TopStrategy], one: TopStrategy, top_max: int) -> None:
    if len(top) < top_max:
        heapq.heappush(top, one)
    else:
        heapq.heappushpop(top, one)
