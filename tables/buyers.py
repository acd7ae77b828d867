"""buyers: approvals of a buyer by day, and the block list. key `shop_id|buyer_id` -> BuyerCell; shop_id "*" = every shop."""

from __future__ import annotations

from schemas.cells import BuyerCell
from schemas.ids import join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Buyers"]

NAME = "buyers"


class Buyers(CellTable[BuyerCell]):
    """A lane's buyers."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, BuyerCell)

    def of(self, shop_id: str, buyer_id: str) -> BuyerCell:
        """The buyer's cell in that shop; an empty one where nothing is known."""
        return self.get(join_key(shop_id, buyer_id)) or BuyerCell()

    def write(self, shop_id: str, buyer_id: str, cell: BuyerCell) -> None:
        """Write the buyer's cell."""
        self.put(join_key(shop_id, buyer_id), cell)
