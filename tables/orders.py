"""orders: what is known of an order, and all that was decided on its items. key `shop_id|order_id` -> OrderCell."""

from __future__ import annotations

from schemas.cells import OrderCell
from schemas.ids import join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Orders"]

NAME = "orders"


class Orders(CellTable[OrderCell]):
    """A lane's orders."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, OrderCell)

    def of(self, shop_id: str, order_id: str) -> OrderCell:
        """The order's cell; an empty one where nothing is known."""
        return self.get(join_key(shop_id, order_id)) or OrderCell()

    def write(self, shop_id: str, order_id: str, cell: OrderCell) -> None:
        """Write the order's cell."""
        self.put(join_key(shop_id, order_id), cell)
