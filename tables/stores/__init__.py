"""Where cells are kept: bytes in, bytes out, one store for each table and partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

__all__ = ["Store"]


class Store(Protocol):
    """The cells of one table in one partition, as far as their changelog is committed.

    A store is never ahead of its changelog: `apply` is called only after the transaction that holds the same
    puts was committed (or with records read back from the changelog, read_committed).
    """

    @property
    def position(self) -> int | None:
        """The next changelog offset to read; None = nothing is known, restore from the beginning."""

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All cells, in no promised order."""

    def keys(self) -> Iterator[bytes]:
        """The keys of all cells, in no promised order; goes on rightly whatever is applied meanwhile."""

    def __len__(self) -> int:
        """How many cells (an estimate is allowed for a store on disk)."""

    def apply(self, puts: Mapping[bytes, bytes | None], position: int) -> None:
        """Write all `puts` (None deletes) and the new position, atomically."""

    def clear(self) -> None:
        """Forget everything, the position too."""

    def close(self) -> None:
        """Release what is held. The store is not used afterwards."""
