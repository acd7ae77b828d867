"""daily_spend: the budget used, by strategy and civil day in Asia/Shanghai. Cells are SpendCells.

key `shop_id|strategy_id|YYYY-MM-DD`         a live strategy's day
key `shop_id|*|YYYY-MM-DD`                   the shop's day over all live strategies (domain [55])
key `shop_id|strategy_id|YYYY-MM-DD|shadow`  what a shadow strategy would have spent (domain [36])
"""

from __future__ import annotations

from schemas.cells import SpendCell
from schemas.ids import ALL, join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "DailySpend"]

NAME = "daily_spend"


class DailySpend(CellTable[SpendCell]):
    """A lane's spend."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, SpendCell)

    def of(self, shop_id: str, strategy_id: str, day: str, *, shadow: bool = False) -> SpendCell:
        """The strategy's day; an empty one where nothing was spent."""
        return self.get(_key(shop_id, strategy_id, day, shadow)) or SpendCell()

    def write(self, shop_id: str, strategy_id: str, day: str, cell: SpendCell, *, shadow: bool = False) -> None:
        """Write the strategy's day."""
        self.put(_key(shop_id, strategy_id, day, shadow), cell)

    def of_shop(self, shop_id: str, day: str) -> SpendCell:
        """The shop's day over all live strategies."""
        return self.of(shop_id, ALL, day)

    def write_shop(self, shop_id: str, day: str, cell: SpendCell) -> None:
        """Write the shop's day."""
        self.write(shop_id, ALL, day, cell)


def _key(shop_id: str, strategy_id: str, day: str, shadow: bool) -> bytes:
    return join_key(shop_id, strategy_id, day, "shadow") if shadow else join_key(shop_id, strategy_id, day)
