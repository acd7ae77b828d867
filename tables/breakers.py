"""breakers: recent approvals of strategies that have a circuit breaker (domain [56]). Cells are BreakerCells.

key `shop_id|strategy_id`, or `shop_id|strategy_id|shadow` for a shadow strategy.
"""

from __future__ import annotations

from schemas.cells import BreakerCell
from schemas.ids import join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Breakers"]

NAME = "breakers"


class Breakers(CellTable[BreakerCell]):
    """A lane's breakers."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, BreakerCell)

    def of(self, shop_id: str, strategy_id: str, version: int, *, shadow: bool = False) -> BreakerCell:
        """The breaker of that version; a fresh one where the version is another."""
        cell = self.get(_key(shop_id, strategy_id, shadow))
        return cell if cell is not None and cell.version == version else BreakerCell(version=version)

    def write(self, shop_id: str, strategy_id: str, cell: BreakerCell, *, shadow: bool = False) -> None:
        """Write the strategy's breaker."""
        self.put(_key(shop_id, strategy_id, shadow), cell)


def _key(shop_id: str, strategy_id: str, shadow: bool) -> bytes:
    return join_key(shop_id, strategy_id, "shadow") if shadow else join_key(shop_id, strategy_id)
