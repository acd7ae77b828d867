"""A table as Faust knows it (name, changelog, co-partitioning), whose cells live in stores that only commits change."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import faust
from aiokafka import TopicPartition

from app.exactly_once.layer import SERVICE_LOG, LayerSettings
from tables.stores import Store
from tables.stores.memory import MemoryStore
from tables.stores.rocksdb import DamagedStore, RocksDBStore

__all__ = ["TransactionalTable", "open_store"]

log = logging.getLogger(__name__)

MEMORY: Final = "memory"
DAY_SECONDS: Final = 86_400


class TransactionalTable(faust.Table):
    """One table. Its cells are written by `store(partition).apply`, after the transaction that holds them."""

    logger = SERVICE_LOG
    layer_settings: LayerSettings

    def __init__(self, *args: Any, layer_settings: LayerSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.layer_settings = layer_settings
        self._stores: dict[int, Store] = {}

    def store(self, partition: int) -> Store:
        """The cells of one partition; opened at first use."""
        if partition not in self._stores:
            self._stores[partition] = self._open(partition)
        return self._stores[partition]

    def changelog_partition(self, partition: int) -> TopicPartition:
        """Where the cells of that partition are logged."""
        return TopicPartition(self.layer_settings.changelog(self.name), partition)

    def keep_only(self, partitions: set[int]) -> None:
        """Close the stores of all other partitions."""
        for partition in set(self._stores) - partitions:
            self._stores.pop(partition).close()

    def close(self) -> None:
        """Close all stores."""
        self.keep_only(set())

    async def on_start(self) -> None:
        """Nothing: Faust would open a store of its own, and declare the changelog, which `topics` has made."""

    async def on_rebalance(self, *_: Any, **__: Any) -> None:
        """Nothing: stores are opened and closed by the take-over."""

    def on_key_set(self, key: Any, value: Any) -> None:
        """Raises TypeError: a write outside a lane's transaction would not be exactly once."""
        raise TypeError("cells are written by a lane's transaction only")

    def on_key_del(self, key: Any) -> None:
        """Raises TypeError: see `on_key_set`."""
        raise TypeError("cells are deleted by a lane's transaction only")

    def _open(self, partition: int) -> Store:
        if self.layer_settings.store == MEMORY:
            return MemoryStore()
        path = Path(self.layer_settings.data_dir) / self.layer_settings.app_id / str(self.name) / str(partition)
        return open_store(path, self.layer_settings.store_age_seconds_max)


def open_store(path: Path, age_seconds_max: float) -> RocksDBStore:
    """The store in `path`; an empty one, for its changelog to fill, where what is there is damaged or too old.

    Too old: what was deleted since may be gone from the changelog, and would live on here for ever.
    """
    age = RocksDBStore.age_seconds(path)
    if age is not None and age > age_seconds_max:
        log.info("the store in %s is %.0f days old and is made anew from its changelog", path, age / DAY_SECONDS)
        RocksDBStore.delete(path)
    try:
        return RocksDBStore(path)
    except DamagedStore as error:
        log.error("the store in %s is damaged and is made anew from its changelog: %s", path, error.reason)  # noqa: TRY400 - one line is enough
        RocksDBStore.delete(path)
        return RocksDBStore(path)
