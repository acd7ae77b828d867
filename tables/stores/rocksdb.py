"""Cells on disk, in RocksDB: for tables larger than memory, and starts that read only what is new of a changelog.

Cells and the changelog position are written in one batch, so what is found after a crash belongs together; the newest
writes may be missing then, and are read again from the changelog. That is why there is no log of RocksDB's own: it would
only repeat the changelog, and a log that is found beside tables that were forgotten (a MANIFEST cut short, a power
failure) brings a store back with a hole in its middle, without a word. Without one a store is always a beginning of what
was written, up to its position.

Blocks have checksums, which are looked at when a block is read. A damaged one is met in the middle of work, then: the
store leaves a mark in its directory, and is refused as damaged at the next opening too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import time
from typing import Final

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DbClosedError,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from tables.stores.errors import DamagedStore, DiskRefuses, StoreFailed, StoreInUse

__all__ = ["DamagedStore", "DiskRefuses", "RocksDBStore", "StoreFailed", "StoreInUse"]

POSITION_KEY: Final = b"p"
CELL_PREFIX: Final = b"c"
CELLS_END: Final = b"d"
NEXT: Final = b"\0"
"""Behind a key: the least key after it."""
KEYS_PORTION: Final = 1000
DAMAGED_MARK: Final = "DAMAGED"
"""The file that says so in a store's directory; RocksDB lets files be whose names it does not know."""

WRITE_BUFFER_BYTES: Final = 16 * 1_048_576
WRITE_BUFFERS_BYTES: Final = 64 * 1_048_576
"""Of all stores of a process together, about: a worker has one store for each table and lane. So much is read again from
the changelogs after kill -9, and nothing after a stop in order."""
BLOCK_CACHE_BYTES: Final = 64 * 1_048_576
"""Of all stores of a process together."""
LOG_FILES_MAX: Final = 2
LOG_FILE_BYTES_MAX: Final = 1_048_576


class RocksDBStore:
    """A `tables.stores.Store` in a directory.

    Each method, and the opening, raises DamagedStore, StoreInUse or DiskRefuses where the files or the disk are at fault.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write = WriteOptions()
        self._write.disable_wal = True  # type: ignore[assignment, method-assign]  # the stubs call it a method
        self._db = self._open()

    @property
    def position(self) -> int | None:
        """The next changelog offset to read."""
        raw = self._get(POSITION_KEY)
        return None if raw is None else int(raw)

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        return self._get(CELL_PREFIX + key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All cells, in the order of their keys."""
        for key, found in self._from(CELL_PREFIX):
            yield key[1:], found.value()

    def keys(self) -> Iterator[bytes]:
        """The keys of all cells, in order; read in portions, so that no old state of the files is held for it."""
        first = CELL_PREFIX
        while portion := [key for key, _ in self._from(first, KEYS_PORTION)]:
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
        try:
            self._db.write(batch, self._write)
        except Exception as error:  # rocksdict raises bare Exception, here and below
            raise self._failed(error) from error

    def clear(self) -> None:
        """Forget everything, the files too."""
        self._db.close()
        self.delete(self._path)
        self._db = self._open()

    def close(self) -> None:
        """Close the files. Raises nothing: what could not be written is in the changelog."""
        try:
            self._db.close()
        except Exception as error:  # noqa: BLE001 - it is over in any case; a damage is marked
            self._failed(error)

    @staticmethod
    def age_seconds(path: Path) -> int | None:
        """Since its newest table file was written; None = there is none. So old is, at most, what is found of the changelog."""
        written = [file.stat().st_mtime for file in path.glob("*.sst")]
        return int(time() - max(written)) if written else None

    @staticmethod
    def delete(path: Path) -> None:
        """Delete a store that nobody has open. Raises DiskRefuses."""
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise DiskRefuses(path, error) from error

    def _open(self) -> Rdict:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            mark = self._path.joinpath(DAMAGED_MARK)
            if mark.exists():
                raise DamagedStore(self._path, mark.read_text(errors="replace"))
        except OSError as error:
            raise DiskRefuses(self._path, error) from error
        try:
            db = Rdict(str(self._path), _options())
        except Exception as error:
            raise self._failed(error) from error
        try:
            raw = db.get(POSITION_KEY)
            if raw is not None:
                int(raw)
        except Exception as error:
            with suppress(Exception):
                db.close()
            raise self._failed(error) from error
        return db

    def _get(self, key: bytes) -> bytes | None:
        try:
            return self._db.get(key)
        except Exception as error:
            raise self._failed(error) from error

    def _from(self, first: bytes, number_max: int | None = None) -> Iterator[tuple[bytes, RdictIter]]:
        """The cells from `first` on. An iterator of RocksDB ends at what it cannot read as at the end: only its status tells."""
        found = self._db.iter(ReadOptions())
        found.seek(first)
        number = 0
        while number != number_max and found.valid() and (key := found.key()) < CELLS_END:
            yield key, found
            found.next()
            number += 1
        try:
            found.status()
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoreFailed:
        """What a failure means, by what RocksDB says. A damage is marked for the next opening, as far as the disk lets us."""
        said = str(error)
        if isinstance(error, DbClosedError):
            return StoreFailed(f"the store in {self._path} is closed")
        if "While lock file" in said or "lock hold by current process" in said:
            return StoreInUse(self._path, said)
        if said.startswith("IO error") and "No such file or directory" not in said:
            return DiskRefuses(self._path, said)
        with suppress(OSError), self._path.joinpath(DAMAGED_MARK).open("x") as mark:  # the first reason is the best
            mark.write(said)
        return DamagedStore(self._path, said)


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_keep_log_file_num(LOG_FILES_MAX)
    options.set_max_log_file_size(LOG_FILE_BYTES_MAX)
    options.set_stats_dump_period_sec(0)  # nobody reads them, and they would fill the disk
    cache, write_buffers = _shared_memory()
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_manager(write_buffers)
    return options


@cache
def _shared_memory() -> tuple[Cache, WriteBufferManager]:
    """One for all stores of the process: what each may take alone, times their number, would be more than a machine has."""
    return Cache(BLOCK_CACHE_BYTES), WriteBufferManager(WRITE_BUFFERS_BYTES, allow_stall=False)
