"""Cells on disk, in RocksDB: for tables larger than memory, and starts that read only what is new of a changelog.

Cells and the changelog position are written in one batch, so what is found after a crash belongs together; the newest
writes may be missing then, and are read again from the changelog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final, TypeGuard

from rocksdict import Options, Rdict, WriteBatch

__all__ = ["DamagedStore", "RocksDBStore", "StoreInUse"]

POSITION_KEY: Final = b"p"
CELL_PREFIX: Final = b"c"
CELLS_END: Final = b"d"
NEXT: Final = b"\0"
"""Behind a key: the least key after it."""
KEYS_PORTION: Final = 1000
WRITE_BUFFER_BYTES: Final = 16 * 1_048_576
LOG_FILES_MAX: Final = 2


class DamagedStore(Exception):  # noqa: N818 - what it is
    """The files cannot be read. Delete them: everything is in the changelog."""


class StoreInUse(Exception):  # noqa: N818
    """Another process has the files open. Give each worker a data directory of its own."""


class RocksDBStore:
    """A `tables.stores.Store` in a directory.

    Raises DamagedStore or StoreInUse where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        self._db = self._open()

    @property
    def position(self) -> int | None:
        """The next changelog offset to read."""
        raw = self._db.get(POSITION_KEY)
        return None if raw is None else int(raw)

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return self._db.get(CELL_PREFIX + key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All cells, in the order of their keys."""
        for key, value in self._db.items(from_key=CELL_PREFIX):
            if not (_is_cell(key) and isinstance(value, bytes)):
                return
            yield key[1:], value

    def keys(self) -> Iterator[bytes]:
        """The keys of all cells, in order; read in portions, so that no old state of the files is held for it."""
        first = CELL_PREFIX
        while portion := [key for key in islice(self._db.keys(from_key=first), KEYS_PORTION) if _is_cell(key)]:
            yield from (key[1:] for key in portion)
            first = portion[-1] + NEXT

    def __len__(self) -> int:
        """An estimate."""
        estimate = self._db.property_int_value("rocksdb.estimate-num-keys") or 0
        return max(0, estimate - (self.position is not None))

    def apply(self, puts: Mapping[bytes, bytes | None], position: int) -> None:
        """Write all `puts` (None deletes) and the new position, atomically."""
        batch = WriteBatch(raw_mode=True)
        for key, value in puts.items():
            if value is None:
                batch.delete(CELL_PREFIX + key)
            else:
                batch.put(CELL_PREFIX + key, value)
        batch.put(POSITION_KEY, b"%d" % position)
        self._db.write(batch)

    def clear(self) -> None:
        """Forget everything, the files too."""
        self._db.close()
        Rdict.destroy(str(self._path), self._options())
        self._db = self._open()

    def close(self) -> None:
        """Close the files."""
        self._db.close()

    def _open(self) -> Rdict:
        try:
            db = Rdict(str(self._path), self._options())
        except Exception as error:  # rocksdict raises bare Exception
            if "lock" in str(error).lower():
                raise StoreInUse(f"{self._path}: {error}") from error
            raise DamagedStore(f"{self._path}: {error}") from error
        try:
            raw = db.get(POSITION_KEY)
            if raw is not None:
                int(raw)
        except Exception as error:
            db.close()
            raise DamagedStore(f"{self._path}: {error}") from error
        return db

    @staticmethod
    def _options() -> Options:
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(WRITE_BUFFER_BYTES)
        options.set_keep_log_file_num(LOG_FILES_MAX)
        return options


def _is_cell(key: object) -> TypeGuard[bytes]:
    # In raw mode rocksdict gives bytes only; its types know of other modes.
    return isinstance(key, bytes) and key < CELLS_END
