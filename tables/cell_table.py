"""One table of one lane: typed cells over a store of bytes, with the batch at hand as an overlay.

A read sees the batch's own writes first. Nothing reaches the store from here: the overlay's bytes (`puts`) go into the
transaction, and the owner of the store applies them after the commit. `forget` then drops the overlay; after an abort too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from schemas.cells import Cell, dump_cell, load_cell
from tables.stores import Store

__all__ = ["DECODED_CELLS_MAX", "CellTable"]

C = TypeVar("C", bound=Cell)

DECODED_CELLS_MAX: Final = 4096
"""Cells of one table that are kept decoded, most recently used; a cell is decoded anew when its bytes differ."""


class CellTable(Generic[C]):
    """Cells of one kind under byte keys."""

    def __init__(self, store: Store, kind: type[C]) -> None:
        self._store = store
        self._kind = kind
        self._overlay: dict[bytes, C | None] = {}
        self._decoded: OrderedDict[bytes, tuple[bytes, C]] = OrderedDict()

    def get(self, key: bytes) -> C | None:
        """The cell as the batch at hand sees it."""
        if key in self._overlay:
            return self._overlay[key]
        raw = self._store.get(key)
        if raw is None:
            return None
        known = self._decoded.get(key)
        if known is not None and known[0] == raw:
            self._decoded.move_to_end(key)
            return known[1]
        cell = load_cell(self._kind, raw)
        self._decoded[key] = (raw, cell)
        if len(self._decoded) > DECODED_CELLS_MAX:
            self._decoded.popitem(last=False)
        return cell

    def peek(self, key: bytes) -> C | None:
        """As `get`, for one look at a cell that is not in use: it is not kept decoded."""
        if key in self._overlay:
            return self._overlay[key]
        raw = self._store.get(key)
        return None if raw is None else load_cell(self._kind, raw)

    def keys(self) -> Iterator[bytes]:
        """The keys of all committed cells; see `Store.keys`."""
        return self._store.keys()

    def __len__(self) -> int:
        """How many cells are committed (an estimate for a store on disk)."""
        return len(self._store)

    def put(self, key: bytes, cell: C) -> None:
        """Write a cell, in the overlay."""
        self._overlay[key] = cell

    def delete(self, key: bytes) -> None:
        """Delete a cell, in the overlay."""
        self._overlay[key] = None

    def written(self) -> dict[bytes, C | None]:
        """What the batch wrote; None = deleted."""
        return self._overlay

    def puts(self) -> dict[bytes, bytes | None]:
        """What the batch wrote, as bytes for the changelog."""
        return {key: None if cell is None else dump_cell(cell) for key, cell in self._overlay.items()}

    def forget(self) -> None:
        """Drop the overlay."""
        self._overlay = {}
