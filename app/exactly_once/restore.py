"""Restore: read changelogs, committed records only, from what a store knows to their present ends.

Transaction markers take offsets and are never seen as records, so positions are compared, not records.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.exactly_once.layer import LaneStalled, LayerSettings
from tables.stores import Store

__all__ = ["Progress", "Restore", "restore"]

log = logging.getLogger(__name__)

POLL_MS: Final = 200
REQUEST_SECONDS_MAX: Final = 30.0
Progress = Callable[[int, int, int | None], None]
"""(partition, offsets passed so far, offsets to pass in all or None): what was compacted away is passed, too"""
Restore = Callable[[LayerSettings, Mapping[TopicPartition, Store], Progress], Awaitable[int]]
"""What `restore` is; tests give one that reads a log of their own."""


async def restore(settings: LayerSettings, stores: Mapping[TopicPartition, Store], progress: Progress) -> int:
    """Bring every store (by its changelog's topic-partition) up to its changelog's end; returns the records read.

    Call it once nobody else can write these changelogs any more (after fencing): then their ends are final.
    Raises LaneStalled where nothing moves for too long.
    """
    if not stores:
        return 0
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        client_id=f"{settings.app_id}-restore",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=settings.fetch_bytes_max,
        fetch_max_wait_ms=settings.fetch_wait_ms,
        **settings.client_security,
    )
    async with asyncio.timeout(REQUEST_SECONDS_MAX):
        await consumer.start()
    try:
        return await _Restoring(settings, consumer, stores, progress).run()
    finally:
        await consumer.stop()


class _Restoring:
    def __init__(
        self,
        settings: LayerSettings,
        consumer: AIOKafkaConsumer,
        stores: Mapping[TopicPartition, Store],
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._stores = stores
        self._progress = progress
        self._ends: dict[TopicPartition, int] = {}
        self._records = 0
        self._passed: dict[int, int] = defaultdict(int)
        self._positions: dict[TopicPartition, int] = {}
        self._total: dict[int, int] = defaultdict(int)

    async def run(self) -> int:
        unread = await self._begin()
        moved_at = monotonic()
        while unread:
            fetched = await self._consumer.getmany(
                timeout_ms=POLL_MS, max_records=self._settings.restore_batch_records_max
            )
            moved = False
            for tp in list(unread):
                position = await self._consumer.position(tp)
                moved |= self._apply(tp, fetched.get(tp, []), position)
                if position >= self._ends[tp]:
                    unread.remove(tp)
                    self._consumer.pause(tp)
            if moved:
                moved_at = monotonic()
            elif monotonic() - moved_at > self._settings.stall_seconds_max:
                raise LaneStalled(f"the restore of {sorted(unread)[:3]} does not move")
        return self._records

    async def _begin(self) -> set[TopicPartition]:
        tps = list(self._stores)
        self._consumer.assign(tps)
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            first = await self._consumer.beginning_offsets(tps)
            self._ends = await self._consumer.end_offsets(tps)
        unread = set()
        for tp, store in self._stores.items():
            start = self._start(tp, store, first[tp])
            if start >= self._ends[tp]:
                self._consumer.pause(tp)
                continue
            self._consumer.seek(tp, start)
            self._positions[tp] = start
            self._total[tp.partition] += self._ends[tp] - start
            unread.add(tp)
        for partition, total in self._total.items():
            self._progress(partition, 0, total)
        return unread

    def _start(self, tp: TopicPartition, store: Store, first: int) -> int:
        known = store.position
        if known is not None and known > self._ends[tp]:
            log.error("the store of %s is ahead of its changelog (%d > %d): made anew", tp, known, self._ends[tp])
            store.clear()
            known = None
        return first if known is None else max(known, first)

    def _apply(self, tp: TopicPartition, records: list[ConsumerRecord], position: int) -> bool:
        store = self._stores[tp]
        if not records and store.position == position:
            return False
        # A later record of a key stands after an earlier one, so the last one counts.
        store.apply({record.key: record.value for record in records}, position)
        self._records += len(records)
        self._passed[tp.partition] += position - self._positions[tp]
        self._positions[tp] = position
        self._progress(tp.partition, self._passed[tp.partition], self._total[tp.partition])
        return True
