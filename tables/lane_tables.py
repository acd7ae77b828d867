"""All tables of one lane, opened together over their stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from schemas.topics import TABLES
from tables import breakers, buyers, controls, daily_spend, holds, orders, requests, strategies
from tables.stores import Store

__all__ = ["TABLE_NAMES", "LaneTables"]

TABLE_NAMES: Final = TABLES


class _Table(Protocol):
    def puts(self) -> dict[bytes, bytes | None]: ...

    def forget(self) -> None: ...


class LaneTables:
    """What one lane remembers. Writes stay in overlays until `commit` or `abort`."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self.strategies = strategies.Strategies(stores[strategies.NAME])
        self.orders = orders.Orders(stores[orders.NAME])
        self.requests = requests.Requests(stores[requests.NAME])
        self.daily_spend = daily_spend.DailySpend(stores[daily_spend.NAME])
        self.buyers = buyers.Buyers(stores[buyers.NAME])
        self.holds = holds.Holds(stores[holds.NAME])
        self.controls = controls.Controls(stores[controls.NAME])
        self.breakers = breakers.Breakers(stores[breakers.NAME])
        self._all: dict[str, _Table] = {
            strategies.NAME: self.strategies,
            orders.NAME: self.orders,
            requests.NAME: self.requests,
            daily_spend.NAME: self.daily_spend,
            buyers.NAME: self.buyers,
            holds.NAME: self.holds,
            controls.NAME: self.controls,
            breakers.NAME: self.breakers,
        }

    def puts(self) -> dict[str, dict[bytes, bytes | None]]:
        """What the batch wrote, by table; tables that were not touched are left out."""
        return {name: puts for name, puts in ((name, table.puts()) for name, table in self._all.items()) if puts}

    def commit(self) -> None:
        """The batch is committed, and applied to the stores."""
        self.holds.commit()
        self._forget()

    def abort(self) -> None:
        """The batch never happened."""
        self._forget()

    def _forget(self) -> None:
        for table in self._all.values():
            table.forget()
