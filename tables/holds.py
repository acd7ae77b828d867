"""holds: requests that wait for their order's logistics (domain [13, 43]). key `shop_id|request_id` -> HoldCell.

The order of due times is kept in memory beside the store, and made anew from it when a lane opens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from sys import maxsize

from schemas.cells import HoldCell, load_cell
from schemas.errors import InvariantBroken
from schemas.ids import join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Holds"]

NAME = "holds"
Place = tuple[int, int, bytes]
"""(due, arrival, key): the order in which holds end."""


class Holds(CellTable[HoldCell]):
    """A lane's holds. A request holds at most one version at a time."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, HoldCell)
        self._places: dict[bytes, Place] = {}
        for key, raw in store.items():
            cell = load_cell(HoldCell, raw)
            self._places[key] = (cell.due, cell.arrival, key)
        self._queue: list[Place] = sorted(self._places.values())
        self._arrivals = max((place[1] for place in self._queue), default=0)

    def of(self, shop_id: str, request_id: str) -> HoldCell | None:
        """The hold of that request."""
        return self.get(join_key(shop_id, request_id))

    def start(self, cell: HoldCell) -> None:
        """Hold a request."""
        self.put(join_key(cell.request.shop_id, cell.request.request_id), cell)

    def end(self, shop_id: str, request_id: str) -> None:
        """End a hold."""
        self.delete(join_key(shop_id, request_id))

    def next_arrival(self) -> int:
        """A number larger than that of every earlier hold. Numbers of an aborted batch are not used again."""
        self._arrivals += 1
        return self._arrivals

    def due(self, until: int) -> list[HoldCell]:
        """The committed holds due at or before `until` (microseconds), in order of due time, then arrival."""
        places = self._queue[: bisect_right(self._queue, (until, maxsize, b""))]
        return [cell for cell in (self.get(place[2]) for place in places) if cell is not None]

    def next_due(self) -> int | None:
        """The earliest due time of the committed holds, in microseconds."""
        return self._queue[0][0] if self._queue else None

    def __len__(self) -> int:
        return len(self._queue)

    def commit(self) -> None:
        """The overlay is in the store: bring the order of due times up to it, before the overlay is dropped."""
        for key, cell in self.written().items():
            old = self._places.pop(key, None)
            if old is not None:
                self._remove(old)
            if cell is not None:
                self._places[key] = (cell.due, cell.arrival, key)
                insort(self._queue, self._places[key])

    def _remove(self, place: Place) -> None:
        at = bisect_left(self._queue, place)
        if at >= len(self._queue) or self._queue[at] != place:
            raise InvariantBroken("the queue of holds lost one")
        del self._queue[at]
