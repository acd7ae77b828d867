"""All lanes of this worker: the take-over, the order in which topics are let through, bounds, and the watch on movement.

A take-over is made after each assignment, in this order (design, 4 and 5):

    fence        one producer a partition: ends a predecessor's transaction; from here on nobody else writes this lane
    restore      the changelogs to their ends, which are final now
    offsets      committed ones, which are final now
    seek         and begin a new epoch in the thread that fetches
    let through  the control plane to its present ends, then forwarded records, then everything (domain [31])
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from time import monotonic
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from app.exactly_once.flow import Flow
from app.exactly_once.lag import Lag, LagWatch
from app.exactly_once.lane import Fetched, Lane
from app.exactly_once.layer import LaneStalled, LaneState, LaneStatus, LayerObserver, LayerSettings, NotColocated
from app.exactly_once.offsets import CommittedOffsets, group_offsets
from app.exactly_once.pace import Turn
from app.exactly_once.restore import Restore, restore
from app.exactly_once.tables import TransactionalTable
from app.exactly_once.transactions import LaneProducer, StartedWriter
from app.lane_job import JobFactory, Record

__all__ = ["Lanes"]

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = 0.5
GATE_SECONDS: Final = 0.02
FENCE_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 2.0
SESSIONS_FENCED_MAX: Final = 2
"""Session timeouts within which the group takes a lane away from a worker that was fenced."""


class Lanes:
    """The lanes of one worker. All methods belong to the event loop's thread."""

    def __init__(
        self,
        settings: LayerSettings,
        job_factory: JobFactory,
        *,
        clock: Callable[[], datetime],
        observer: LayerObserver,
        crash: Callable[[BaseException], None],
        make_writer: Callable[[LayerSettings, int], StartedWriter] = LaneProducer,
        restore: Restore = restore,
        committed_offsets: CommittedOffsets = group_offsets,
    ) -> None:
        self.settings = settings
        self.tables: list[TransactionalTable] = []
        self._job_factory = job_factory
        self._clock = clock
        self._observer = observer
        self._crash = crash
        self._make_writer = make_writer
        self._restore = restore
        self._committed_offsets = committed_offsets
        self._turn = Turn()
        self._lag_watch = LagWatch(settings.input_topics)
        self._epoch = 0
        self._lanes: dict[int, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._open: dict[int, set[TopicPartition]] = {}
        self._full: set[int] = set()
        self._restoring: dict[int, tuple[int, int | None]] = {}
        self._producers: dict[int, StartedWriter] = {}
        self._flow: Flow | None = None
        self._taken_over = False

    @property
    def ready(self) -> bool:
        """Whether an assignment was taken over and every lane of it runs (an empty one too)."""
        return self._taken_over and all(lane.state is LaneState.RUNNING for lane in self._lanes.values())

    def status(self) -> list[LaneStatus]:
        """Every lane, by partition."""
        found = [
            LaneStatus(lane.partition, lane.state, lane.waiting_records, lane.still_for_seconds,
                       *self._restoring.get(lane.partition, (0, None)))
            for lane in self._lanes.values()
        ]  # fmt: skip
        found += [
            LaneStatus(partition, LaneState.TAKING_OVER, 0, 0.0, read, total)
            for partition, (read, total) in self._restoring.items()
            if partition not in self._lanes
        ]
        return sorted(found, key=lambda status: status.partition)

    async def lag(self) -> dict[int, Lag]:
        """How far each lane is behind, by partition."""
        lanes = dict(self._lanes)
        return {} if self._flow is None else await self._lag_watch.look(lanes, self._flow)

    @property
    def open_lanes(self) -> Mapping[int, Lane]:
        """The lanes that are restored, by partition: another mapping after each take-over. For looking at."""
        return self._lanes

    async def take_over(self, assigned: Iterable[TopicPartition], flow: Flow) -> None:
        """Make the assigned partitions ours, and begin to work. `release` comes before the next call.

        Raises NotColocated, LaneStalled, or what Kafka's clients raise; then nothing is let through.
        """
        partitions = self._partitions(assigned)
        started = monotonic()
        self._flow = flow
        self._restoring = dict.fromkeys(partitions, (0, None))
        for table in self.tables:
            table.keep_only(partitions)
        await self._fence(partitions)
        fenced = monotonic()
        records = await self._restore(
            self.settings,
            {table.changelog_partition(p): table.store(p) for table in self.tables for p in partitions},
            self._progress,
        )
        ends = await self._open_lanes(partitions, flow)
        seconds = monotonic() - started
        log.info(
            "took over %d lanes %s in %.2f s (fenced in %.2f s, %d changelog records)",
            len(partitions), sorted(partitions), seconds, fenced - started, records,
        )  # fmt: skip
        self._observer.restored(partitions=len(partitions), records=records, seconds=seconds)
        self._taken_over = True
        for lane in self._lanes.values():
            self._start(lane.run())
            self._start(self._let_through(lane, ends))
        self._start(self._watch())

    async def release(self) -> None:
        """The partitions are revoked: end all work, then let the producers go. Nothing of an open batch remains here."""
        self._taken_over = False
        self._epoch += 1
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS_MAX)
        for partition in self._lanes:
            self._observer.lane_lost(partition)
        for producer in self._producers.values():
            # Not awaited: a broker that does not answer must not hold up the rebalance. A closing producer can write
            # nothing any more, and the next owner fences it in any case.
            closing = asyncio.create_task(producer.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self._producers, self._lanes, self._open, self._full, self._restoring = {}, {}, {}, set(), {}

    async def stop(self) -> None:
        """The worker ends: give running batches a moment to commit, then release, and close the stores."""
        deadline = monotonic() + STOP_SECONDS_MAX
        for lane in self._lanes.values():
            lane.finish()
        while monotonic() < deadline and any(lane.in_transaction for lane in self._lanes.values()):
            await asyncio.sleep(0.01)
        await self.release()
        if self._closing:
            await asyncio.wait(set(self._closing), timeout=STOP_SECONDS_MAX)
        for table in self.tables:
            table.close()

    def offer(self, epoch: int, tp: TopicPartition, records: list[ConsumerRecord]) -> None:
        """Records that were fetched. Those of an earlier epoch are dropped: they are read again."""
        lane = self._lanes.get(tp.partition)
        if epoch != self._epoch or lane is None or not self._taken_over:
            return
        lane.offer(Fetched.of(TopicPartition(*tp), tuple(map(_record, records))))
        if lane.is_full and lane.partition not in self._full and self._flow is not None:
            self._full.add(lane.partition)
            self._flow.pause_partitions(self._open[lane.partition])

    def _partitions(self, assigned: Iterable[TopicPartition]) -> set[int]:
        topics: dict[int, set[str]] = {}
        for topic, partition in assigned:
            topics.setdefault(partition, set()).add(topic)
        for partition, found in topics.items():
            missing = set(self.settings.input_topics) - found
            if missing:
                raise NotColocated(f"partition {partition} was assigned without {', '.join(sorted(missing))}")
            if partition >= self.settings.partitions:
                raise NotColocated(f"partition {partition} is new: topics had {self.settings.partitions} at the start")
        return set(topics)

    async def _fence(self, partitions: set[int]) -> None:
        self._producers = {partition: self._make_writer(self.settings, partition) for partition in partitions}
        async with asyncio.timeout(FENCE_SECONDS_MAX), asyncio.TaskGroup() as group:
            for producer in self._producers.values():
                group.create_task(producer.start())

    async def _open_lanes(self, partitions: set[int], flow: Flow) -> dict[TopicPartition, int]:
        """Read offsets, seek, and make the lanes. Returns the present ends of all input partitions."""
        tps = [TopicPartition(topic, p) for topic in self.settings.input_topics for p in partitions]
        committed = await self._committed_offsets(self.settings, tps)
        first, ends = await flow.bounds_of(tps) if tps else ({}, {})
        positions = {tp: _start(tp, committed[tp], first[tp]) for tp in tps}
        for partition in partitions:
            stores = {str(table.name): table.store(partition) for table in self.tables}
            self._lanes[partition] = Lane(
                partition,
                job=self._job_factory(partition, stores),
                stores=stores,
                writer=self._producers[partition],
                positions={tp: at for tp, at in positions.items() if tp.partition == partition},
                settings=self.settings,
                clock=self._clock,
                observer=self._observer,
                turn=self._turn,
                after_batch=self._after_batch,
            )
            self._open[partition] = set()
        self._epoch += 1
        await flow.begin_epoch(self._epoch, positions)
        return ends

    async def _let_through(self, lane: Lane, ends: Mapping[TopicPartition, int]) -> None:
        """domain [31]"""
        for state, topics in (
            (LaneState.CONTROL_PLANE, self.settings.control_plane_topics),
            (LaneState.FORWARDED, (self.settings.forwarded_topic,)),
        ):
            lane.state = state
            tps = [TopicPartition(topic, lane.partition) for topic in topics]
            self._let(lane, tps)
            await self._reached({tp: ends[tp] for tp in tps})
        lane.state = LaneState.RUNNING
        self._let(lane, [TopicPartition(topic, lane.partition) for topic in self.settings.other_topics])

    async def _reached(self, ends: Mapping[TopicPartition, int]) -> None:
        while self._flow is not None:
            positions = await self._flow.positions_of(ends)
            if all(positions[tp] >= end for tp, end in ends.items()):
                return
            await asyncio.sleep(GATE_SECONDS)

    def _let(self, lane: Lane, tps: Iterable[TopicPartition]) -> None:
        self._open[lane.partition].update(tps)
        if self._flow is not None and lane.partition not in self._full:
            self._flow.resume_partitions(self._open[lane.partition])

    def _after_batch(self, lane: Lane) -> None:
        if lane.partition in self._full and lane.has_room and self._flow is not None:
            self._full.discard(lane.partition)
            self._flow.resume_partitions(self._open[lane.partition])

    async def _watch(self) -> None:
        """design, 8"""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for lane in self._lanes.values():
                if lane.still_for_seconds > self._still_seconds_max(lane):
                    raise LaneStalled(
                        f"lane {lane.partition} ({lane.state}) has {lane.waiting_records} records and did not move "
                        f"for {lane.still_for_seconds:.0f} s"
                    )

    def _still_seconds_max(self, lane: Lane) -> float:
        """A fenced lane has a new owner, and the group tells us soon; where it does not, nobody works on the lane."""
        settings = self.settings
        if lane.state is LaneState.FENCED:
            return min(settings.stall_seconds_max, SESSIONS_FENCED_MAX * settings.session_timeout_seconds)
        return settings.stall_seconds_max

    def _start(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - whatever it is, the process starts over
                self._crash(error)

        self._tasks.add(asyncio.create_task(guarded()))

    def _progress(self, partition: int, read: int, total: int | None) -> None:
        self._restoring[partition] = (read, total)


def _start(tp: TopicPartition, committed: int | None, first: int) -> int:
    if committed is None:
        return first
    if committed < first:
        log.error("%s: records %d to %d are gone before they were read: retention is too short", tp, committed, first)
    return max(committed, first)


def _record(record: ConsumerRecord) -> Record:
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value, record.timestamp, record.headers
    )
