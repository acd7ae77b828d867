"""Cells in memory: quick, gone with the process, made anew from the changelog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["MemoryStore"]


class MemoryStore:
    """A `tables.stores.Store` in a dict."""

    def __init__(self) -> None:
        self._cells: dict[bytes, bytes] = {}
        self._position: int | None = None

    @property
    def position(self) -> int | None:
        """The next changelog offset to read."""
        return self._position

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return self._cells.get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All cells."""
        return iter(self._cells.items())

    def keys(self) -> Iterator[bytes]:
        """The keys of all cells, as they are now."""
        return iter(tuple(self._cells))

    def __len__(self) -> int:
        return len(self._cells)

    def apply(self, puts: Mapping[bytes, bytes | None], position: int) -> None:
        """Write all `puts` (None deletes) and the new position."""
        for key, value in puts.items():
            if value is None:
                self._cells.pop(key, None)
            else:
                self._cells[key] = value
        self._position = position

    def clear(self) -> None:
        """Forget everything."""
        self._cells.clear()
        self._position = None

    def close(self) -> None:
        """Nothing is held."""
