"""Forgetting: the lane walks through its tables, a few cells a batch, and deletes what no rule can ask for any more.

The deletions are tombstones in the lane's own transactions. Where the walk is, is not persisted: a lane that starts
begins anew, and what an aborted batch had deleted is met again on the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from app.core.retention import Retention, buyer_over, order_over, request_over, spend_over
from app.processor.batch import Batch
from schemas.cells import RequestCell
from schemas.errors import InvariantBroken
from schemas.ids import split_decision_id, split_key
from schemas.vocabulary import Outcome
from tables import buyers, daily_spend, orders, requests

__all__ = ["ROUND_DAYS", "Sweep"]

ROUND_DAYS: Final = 7
"""How long one round through all cells takes: a cell leaves at most so much later than it might. Shorter costs more CPU."""
ROUND_MICROS: Final = ROUND_DAYS * 24 * 60 * 60 * 1_000_000
BATCH_CELLS_MAX: Final = 500
"""Cells looked at in one batch: some 5 ms."""


class Sweep:
    """The walk of one lane."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._walk: Iterator[Callable[[Batch], None]] | None = None
        self._stepped_at: int | None = None
        self._owed = 0
        """Cells times microseconds: how far the walk is behind its pace."""

    def step(self, batch: Batch) -> None:
        """Look at as many cells as are due by the clock since the last step."""
        tables = batch.tables
        cells = len(tables.daily_spend) + len(tables.buyers) + len(tables.requests) + len(tables.orders)
        elapsed = 0 if self._stepped_at is None else batch.micros - self._stepped_at
        self._stepped_at = batch.micros
        self._owed = min(self._owed + elapsed * cells, ROUND_MICROS * cells)
        number = min(self._owed // ROUND_MICROS, BATCH_CELLS_MAX)
        if number == 0:
            return
        self._owed -= number * ROUND_MICROS
        if self._walk is None:
            self._walk = self._round(batch)
        looked = 0
        for look in islice(self._walk, number):
            look(batch)
            looked += 1
        if looked < number:
            self._walk = None

    def _round(self, first: Batch) -> Iterator[Callable[[Batch], None]]:
        # Requests before orders: an order is kept as long as its approved requests are.
        for keys, look in (
            (first.tables.daily_spend.keys, self._look_at_spend),
            (first.tables.buyers.keys, self._look_at_buyer),
            (first.tables.requests.keys, self._look_at_request),
            (first.tables.orders.keys, self._look_at_order),
        ):
            for key in keys():
                yield partial(look, key)

    def _look_at_spend(self, key: bytes, batch: Batch) -> None:
        cell = batch.tables.daily_spend.peek(key)
        _, _, day, *shadow = split_key(key)
        if cell is not None and spend_over(cell, day, batch.day, self._retention, shadow=bool(shadow)):
            batch.tables.daily_spend.delete(key)
            batch.count("expired", daily_spend.NAME)

    def _look_at_buyer(self, key: bytes, batch: Batch) -> None:
        cell = batch.tables.buyers.peek(key)
        if cell is not None and buyer_over(cell, batch.at, batch.day):
            batch.tables.buyers.delete(key)
            batch.count("expired", buyers.NAME)

    def _look_at_request(self, key: bytes, batch: Batch) -> None:
        cell = batch.tables.requests.peek(key)
        if cell is None:
            return
        shop_id, request_id = split_key(key)
        held = batch.tables.holds.of(shop_id, request_id) is not None
        reserved = held or _has_reservation(batch, shop_id, request_id, cell)
        if request_over(cell, batch.at, self._retention, reserved=reserved):
            batch.tables.requests.delete(key)
            batch.count("expired", requests.NAME)

    def _look_at_order(self, key: bytes, batch: Batch) -> None:
        cell = batch.tables.orders.peek(key)
        if cell is None:
            return
        shop_id = split_key(key)[0]
        remembered = any(_remembers(batch, shop_id, approval.decision_id) for approval in cell.approvals)
        if order_over(cell, batch.at, self._retention, remembered=remembered):
            batch.tables.orders.delete(key)
            batch.count("expired", orders.NAME)


def _has_reservation(batch: Batch, shop_id: str, request_id: str, cell: RequestCell) -> bool:
    approved = {
        f"{request_id}:{number}": version.order_id
        for number, version in cell.versions.items()
        if version.outcome is Outcome.AUTO_APPROVE
    }
    return any(
        approval.status is None
        for decision_id, order_id in approved.items()
        for approval in batch.tables.orders.of(shop_id, order_id).approvals
        if approval.decision_id == decision_id
    )


def _remembers(batch: Batch, shop_id: str, decision_id: str) -> bool:
    named = split_decision_id(decision_id)
    if named is None:
        raise InvariantBroken(f"an approval bears the id {decision_id!r}")
    return batch.tables.requests.of(shop_id, named[0]) is not None
