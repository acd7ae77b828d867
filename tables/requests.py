"""requests: every version of a request that was seen, and what was decided. key `shop_id|request_id` -> RequestCell."""

from __future__ import annotations

from schemas.cells import RequestCell
from schemas.ids import join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Requests"]

NAME = "requests"


class Requests(CellTable[RequestCell]):
    """A lane's requests."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, RequestCell)

    def of(self, shop_id: str, request_id: str) -> RequestCell | None:
        """The request's cell."""
        return self.get(join_key(shop_id, request_id))

    def write(self, shop_id: str, request_id: str, cell: RequestCell) -> None:
        """Write the request's cell."""
        self.put(join_key(shop_id, request_id), cell)
