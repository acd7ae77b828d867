"""The stores of one lane, of either kind, and the commit that the exactly-once layer would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schemas.cells import HoldCell
from tables.lane_tables import TABLE_NAMES, LaneTables
from tables.stores import Store
from tables.stores.memory import MemoryStore
from tables.stores.rocksdb import RocksDBStore
from tests.builders import AT_MICROS, request

KINDS: dict[str, Callable[[Path], Store]] = {"memory": lambda _: MemoryStore(), "rocksdb": RocksDBStore}


class Shelf:
    """The stores of one lane."""

    def __init__(self, open_store: Callable[[Path], Store], folder: Path) -> None:
        self.stores = {name: open_store(folder / name) for name in TABLE_NAMES}
        self.position = 0

    def open(self) -> LaneTables:
        """The tables as a lane that takes over finds them."""
        return LaneTables(self.stores)

    def commit(self, tables: LaneTables) -> None:
        """What the exactly-once layer does after the transaction."""
        self.position += 1
        for name, puts in tables.puts().items():
            self.stores[name].apply(puts, self.position)
        tables.commit()

    def close(self) -> None:
        for store in self.stores.values():
            store.close()


def hold(request_id: str = "r-1", due: int = AT_MICROS, arrival: int = 1) -> HoldCell:
    return HoldCell(due=due, arrival=arrival, request=request(request_id=request_id))
