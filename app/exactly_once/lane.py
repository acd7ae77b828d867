"""One lane: the records of one partition number, one batch at a time, one transaction a batch.

The life of a batch: collect what waits -> process (pure) -> transaction -> apply to the stores -> committed.
A cancellation (the partition was revoked) or a fence ends the lane and leaves no trace here; whatever became of the
transaction, the next take-over fences, restores and reads the committed offsets before it does anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from app.exactly_once.layer import LaneState, LayerObserver, LayerSettings, TransactionOutcomeUnknown
from app.exactly_once.pace import Pace, Turn
from app.exactly_once.transactions import TransactionWriter
from app.lane_job import LaneJob, Record
from tables.stores import Store
from tables.stores.errors import StoreFailed

__all__ = ["Fetched", "Lane"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The records of one fetch from one topic-partition, oldest first."""

    tp: TopicPartition
    records: tuple[Record, ...]
    size_bytes: int

    @classmethod
    def of(cls, tp: TopicPartition, records: tuple[Record, ...]) -> Fetched:
        """These records, their keys and values measured."""
        return cls(tp, records, sum(len(one.key or b"") + len(one.value or b"") for one in records))

    def split(self, number: int) -> tuple[Fetched, Fetched]:
        """The first `number` records, and the others."""
        first, others = Fetched.of(self.tp, self.records[:number]), self.records[number:]
        return first, Fetched(self.tp, others, self.size_bytes - first.size_bytes)


class Lane:
    """Owns the job, the stores and the producer of one partition while it is assigned to this worker."""

    def __init__(
        self,
        partition: int,
        *,
        job: LaneJob,
        stores: Mapping[str, Store],
        writer: TransactionWriter,
        positions: Mapping[TopicPartition, int],
        settings: LayerSettings,
        clock: Callable[[], datetime],
        observer: LayerObserver,
        turn: Turn,
        after_batch: Callable[[Lane], None] = lambda _: None,
    ) -> None:
        self.partition = partition
        self.state = LaneState.CONTROL_PLANE
        self._job = job
        self._stores = stores
        self._writer = writer
        self._next = dict(positions)
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._turn = turn
        self._pace = Pace(records_max=settings.batch_records_max, seconds_max=settings.batch_seconds_max)
        self._queue: deque[Fetched] = deque()
        self._batch: list[Fetched] = []
        self._wake = asyncio.Event()
        self._moved_at = monotonic()
        self._after_batch = after_batch
        self._finishing = False
        self.in_transaction = False
        self.waiting_records = 0
        self.waiting_bytes = 0

    @property
    def still_for_seconds(self) -> float:
        """Since it last committed, or had nothing to do."""
        busy = self.waiting_records > 0 or self._is_due()
        return monotonic() - self._moved_at if busy else 0.0

    @property
    def moved_seconds_ago(self) -> float:
        """Since it last committed, or began to wait."""
        return monotonic() - self._moved_at

    @property
    def oldest_seconds(self) -> float | None:
        """The age of the oldest record that it was given and has not committed; None = it has none."""
        waiting = [fetched.records[0].timestamp_ms for fetched in (*self._batch, *self._queue)]
        return (_milliseconds(self._clock()) - min(waiting)) / 1000 if waiting else None

    @property
    def next_due(self) -> datetime | None:
        """When its job falls due by itself."""
        return self._job.next_due()

    @property
    def stores(self) -> Mapping[str, Store]:
        """Its tables' cells, as far as they are committed. For looking at: whoever writes is the lane."""
        return self._stores

    @property
    def is_full(self) -> bool:
        """Whether fetching for it must pause."""
        return (
            self.waiting_records >= self._settings.lane_records_max
            or self.waiting_bytes >= self._settings.lane_bytes_max
        )

    @property
    def has_room(self) -> bool:
        """Whether fetching for it may go on after a pause."""
        return (
            self.waiting_records * 2 <= self._settings.lane_records_max
            and self.waiting_bytes * 2 <= self._settings.lane_bytes_max
        )

    def offer(self, fetched: Fetched) -> None:
        """Take records into the queue. Those before the lane's position were taken already and are dropped."""
        start = self._next[fetched.tp]
        if any(record.offset < start for record in fetched.records):
            fetched = Fetched.of(fetched.tp, tuple(record for record in fetched.records if record.offset >= start))
        if not fetched.records:
            return
        self._next[fetched.tp] = fetched.records[-1].offset + 1
        if not self.waiting_records:
            self._moved_at = monotonic()
        self.waiting_records += len(fetched.records)
        self.waiting_bytes += fetched.size_bytes
        self._queue.append(fetched)
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled or fenced. Raises TransactionOutcomeUnknown, StoreFailed, or what the job raised (a broken
        invariant).
        """
        while self.state is not LaneState.FENCED and not self._finishing:
            await self._wait_for_work()
            try:
                await self._do_batch()
            finally:
                self.in_transaction = False

    def finish(self) -> None:
        """Begin no further batch."""
        self._finishing = True

    async def _wait_for_work(self) -> None:
        while not self._queue and not self._is_due():
            self._wake.clear()
            due = self._job.next_due()
            seconds = None if due is None else max(0.0, (due - self._clock()).total_seconds())
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                self._moved_at = monotonic()

    def _is_due(self) -> bool:
        due = self._job.next_due()
        return due is not None and due <= self._clock()

    async def _do_batch(self) -> None:
        async with self._turn.taken():
            if self._finishing:
                return
            self.in_transaction = True
            started = monotonic()
            self._batch = batch = self._collect()
            records = [record for fetched in batch for record in fetched.records]
            offsets = {fetched.tp: fetched.records[-1].offset + 1 for fetched in batch}
            effects = self._job.process(records, self._clock())
            self._pace.took(len(records), monotonic() - started)
        done = False
        try:
            if effects.puts or effects.emits or offsets:
                ends = await self._writer.commit(effects.puts, effects.emits, offsets)
                # From here on nothing waits: what is committed is applied, whole.
                for table, puts in effects.puts.items():
                    if puts:
                        self._stores[table].apply(puts, ends[table])
            self._job.committed()
            done = True
        except ProducerFenced:
            log.info("lane %d is fenced: another worker has it", self.partition)
            self.state = LaneState.FENCED
            self._observer.fenced(self.partition)
        except StoreFailed:
            raise  # after the commit: the next life reads from the changelog what a store did not take
        except Exception as error:
            raise TransactionOutcomeUnknown(f"lane {self.partition}: {error!r}") from error
        finally:
            if not done:
                self._job.aborted()
                self._observer.aborted(self.partition)
        if done:
            self._batch = []
            self.waiting_records -= len(records)
            self.waiting_bytes -= sum(fetched.size_bytes for fetched in batch)
            self._moved_at = monotonic()
            ages, seconds = _ages(batch, self._clock()), self._moved_at - started
            self._observer.committed(self.partition, seconds=seconds, ages=ages, effects=effects)
            self._after_batch(self)

    def _collect(self) -> list[Fetched]:
        """What waits, up to the limit."""
        batch: list[Fetched] = []
        room = self._pace.records
        while self._queue and room > 0:
            fetched = self._queue.popleft()
            if len(fetched.records) > room:
                fetched, rest = fetched.split(room)
                self._queue.appendleft(rest)
            batch.append(fetched)
            room -= len(fetched.records)
        return batch


def _ages(batch: list[Fetched], at: datetime) -> dict[str, list[int]]:
    now = _milliseconds(at)
    ages: dict[str, list[int]] = {}
    for fetched in batch:
        ages.setdefault(fetched.tp.topic, []).extend([now - record.timestamp_ms for record in fetched.records])
    return ages


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
