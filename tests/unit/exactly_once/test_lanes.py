"""All lanes of a worker: the order of a take-over, what is let through when, bounds, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import ProducerFenced

from app.exactly_once.lag import Lag
from app.exactly_once.lanes import Lanes
from app.exactly_once.layer import LaneStalled, LaneState, LayerSettings, NotColocated
from tables.stores import Store
from tables.stores.memory import MemoryStore
from tests.builders import AT
from tests.unit.exactly_once.stage import TOPIC, EchoJob, Notes, ToldWriter, clock, layer, until

TOPICS = ("rules", "forwarded", TOPIC)


class Flow:
    """A consumer that remembers what was asked of it. Each input partition holds ten records, five of them committed."""

    def __init__(self, order: list[str]) -> None:
        self.order = order
        self.positions: dict[TopicPartition, int] = {}
        self.open: set[TopicPartition] = set()
        self.epoch = 0

    async def begin_epoch(self, epoch: int, positions: Mapping[TopicPartition, int]) -> None:
        self.order.append("seek")
        self.epoch, self.positions = epoch, dict(positions)

    async def committed_offsets(
        self, _: LayerSettings, tps: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int | None]:
        self.order.append("offsets")
        return dict.fromkeys(tps, 5)

    async def bounds_of(
        self, tps: Iterable[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        tps = list(tps)
        return dict.fromkeys(tps, 0), dict.fromkeys(tps, 10)

    async def positions_of(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.positions[tp] for tp in tps}

    def pause_partitions(self, tps: Iterable[TopicPartition]) -> None:
        self.open -= set(tps)

    def resume_partitions(self, tps: Iterable[TopicPartition]) -> None:
        self.open |= set(tps)


class FakeTable:
    """A table of stores in memory."""

    name = "echoes"

    def __init__(self) -> None:
        self.stores: dict[int, MemoryStore] = {}
        self.closed = False

    def store(self, partition: int) -> MemoryStore:
        return self.stores.setdefault(partition, MemoryStore())

    def changelog_partition(self, partition: int) -> TopicPartition:
        return TopicPartition("app-echoes-changelog", partition)

    def keep_only(self, partitions: set[int]) -> None:
        self.stores = {partition: store for partition, store in self.stores.items() if partition in partitions}

    def close(self) -> None:
        self.closed = True


class Worker:
    """Lanes and their neighbours."""

    def __init__(self, **settings: Any) -> None:
        self.order: list[str] = []
        self.flow, self.notes, self.table = Flow(self.order), Notes(), FakeTable()
        self.jobs: dict[int, EchoJob] = {}
        self.writers: list[ToldWriter] = []
        self.crashes: list[BaseException] = []
        self.lanes = Lanes(
            layer(**settings),
            self._open_job,
            clock=clock,
            observer=self.notes,
            crash=self.crashes.append,
            make_writer=self._writer,
            restore=self._restore,
            committed_offsets=self.flow.committed_offsets,
        )
        self.lanes.tables.append(self.table)  # type: ignore[arg-type]

    def _open_job(self, partition: int, stores: Mapping[str, Store]) -> EchoJob:
        self.order.append("open")
        return self.jobs.setdefault(partition, EchoJob())

    def _writer(self, settings: LayerSettings, partition: int) -> ToldWriter:
        self.writers.append(ToldWriter(order=self.order))
        return self.writers[-1]

    async def _restore(self, settings: LayerSettings, stores: Mapping[TopicPartition, Store], progress: Any) -> int:
        self.order.append("restore")
        for tp in stores:
            progress(tp.partition, 3, 3)
        return 3 * len(stores)

    async def take_over(self, *partitions: int) -> None:
        await self.lanes.take_over([TopicPartition(topic, p) for topic in TOPICS for p in partitions], self.flow)

    def reach(self, *topics: str) -> None:
        """The consumer has handed out all of these topics."""
        self.flow.positions.update({tp: 10 for tp in self.flow.positions if tp.topic in topics})

    def offer(
        self,
        topic: str,
        offset: int,
        *,
        partition: int = 0,
        epoch: int | None = None,
        number: int = 1,
        timestamp_ms: int = 0,
    ) -> None:
        records = [
            ConsumerRecord(topic, partition, offset + n, timestamp_ms, 0, b"k", b"v", None, 1, 1, ())
            for n in range(number)
        ]
        self.lanes.offer(self.flow.epoch if epoch is None else epoch, TopicPartition(topic, partition), records)

    @property
    def open_topics(self) -> set[str]:
        return {tp.topic for tp in self.flow.open}


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker()
    yield worker
    await worker.lanes.release()


async def running(worker: Worker, *partitions: int) -> Worker:
    await worker.take_over(*(partitions or (0,)))
    worker.reach("rules", "forwarded")
    await until(lambda: worker.lanes.ready and TOPIC in worker.open_topics)
    return worker


async def test_a_take_over_fences_then_restores_then_reads_offsets_then_seeks(worker: Worker) -> None:
    await worker.take_over(0, 1)
    assert worker.order == ["start", "start", "restore", "offsets", "open", "open", "seek"]
    assert set(worker.flow.positions.values()) == {5}
    assert worker.notes.lines == ["restored 2 6"]


async def test_the_control_plane_comes_first_then_what_was_forwarded_then_the_rest_31(worker: Worker) -> None:
    await worker.take_over(0)
    await until(lambda: worker.open_topics == {"rules"})
    assert not worker.lanes.ready
    assert [lane.state for lane in worker.lanes.status()] == [LaneState.CONTROL_PLANE]
    worker.reach("rules")
    await until(lambda: worker.open_topics == {"rules", "forwarded"})
    assert [lane.state for lane in worker.lanes.status()] == [LaneState.FORWARDED]
    worker.reach("forwarded")
    await until(lambda: worker.open_topics == set(TOPICS))
    assert worker.lanes.ready


async def test_topics_of_a_partition_that_went_to_different_workers_are_refused(worker: Worker) -> None:
    with pytest.raises(NotColocated, match="forwarded"):
        await worker.lanes.take_over([TopicPartition("rules", 0), TopicPartition(TOPIC, 0)], worker.flow)
    assert worker.order == []


async def test_a_partition_that_was_added_since_the_start_is_refused() -> None:
    worker = Worker(partitions=2)
    with pytest.raises(NotColocated, match="partition 2 is new: topics had 2 at the start"):
        await worker.take_over(1, 2)
    assert worker.order == []


async def test_records_of_an_earlier_epoch_are_dropped(worker: Worker) -> None:
    await running(worker)
    worker.offer(TOPIC, 9, epoch=worker.flow.epoch - 1)  # taken, it would make 5 and 6 look old
    worker.offer(TOPIC, 5, number=2)
    await until(lambda: worker.jobs[0].batches)
    assert worker.jobs[0].batches == [[5, 6]]


async def test_records_of_a_partition_that_is_not_ours_are_dropped(worker: Worker) -> None:
    await running(worker)
    worker.offer(TOPIC, 5, partition=1)
    assert set(worker.jobs) == {0}


async def test_after_a_release_nothing_is_taken_and_the_producers_are_closed(worker: Worker) -> None:
    await running(worker)
    worker.writers[0].gate = asyncio.Event()
    worker.offer(TOPIC, 5)
    await worker.writers[0].entered.wait()
    await worker.lanes.release()
    assert worker.jobs[0].log == ["process", "aborted"]
    assert worker.notes.lines[-2:] == ["aborted 0", "lost 0"]
    worker.offer(TOPIC, 6)
    await until(lambda: worker.order[-1] == "close")
    assert not worker.lanes.ready
    assert worker.lanes.status() == []
    assert worker.crashes == []


async def test_a_full_lane_holds_back_its_own_partitions_only() -> None:
    worker = await running(Worker(lane_records_max=4), 0, 1)
    worker.writers[0].gate = asyncio.Event()
    worker.offer(TOPIC, 5, number=4)
    assert {tp.partition for tp in worker.flow.open} == {1}
    worker.writers[0].gate.set()
    await until(lambda: {tp.partition for tp in worker.flow.open} == {0, 1})
    assert len(worker.flow.open) == 2 * len(TOPICS)
    await worker.lanes.release()


async def test_a_stop_lets_a_running_batch_commit_and_begins_no_other(worker: Worker) -> None:
    await running(worker)
    writer = worker.writers[0]
    writer.gate = asyncio.Event()
    worker.offer(TOPIC, 5)
    await writer.entered.wait()
    worker.offer(TOPIC, 6)
    stopping = asyncio.create_task(worker.lanes.stop())
    await asyncio.sleep(0.02)
    writer.gate.set()
    await stopping
    assert worker.jobs[0].batches == [[5]]
    assert worker.jobs[0].log == ["process", "committed"]
    assert worker.table.closed


async def test_a_lane_that_stands_still_for_too_long_stops_the_worker() -> None:
    worker = await running(Worker(stall_seconds_max=0.2))
    worker.writers[0].gate = asyncio.Event()
    worker.offer(TOPIC, 5)
    await until(lambda: worker.crashes)
    assert isinstance(worker.crashes[0], LaneStalled)
    assert "lane 0" in str(worker.crashes[0])
    await worker.lanes.release()


async def test_a_fenced_lane_that_the_group_leaves_here_stops_the_worker_sooner() -> None:
    worker = await running(Worker(session_timeout_seconds=0.1))
    worker.writers[0].fails = ProducerFenced()
    worker.offer(TOPIC, 5)
    await until(lambda: worker.crashes)
    assert isinstance(worker.crashes[0], LaneStalled)
    assert "lane 0 (fenced)" in str(worker.crashes[0])
    await worker.lanes.release()


async def test_what_a_lane_raises_stops_the_worker(worker: Worker) -> None:
    await running(worker)
    worker.jobs[0].breaks = RuntimeError("broken")
    worker.offer(TOPIC, 5)
    await until(lambda: worker.crashes)
    assert str(worker.crashes[0]) == "broken"


async def test_lag_counts_what_is_not_fetched_and_what_waits(worker: Worker) -> None:
    assert await worker.lanes.lag() == {}
    await running(worker)
    worker.writers[0].gate = asyncio.Event()
    worker.offer(TOPIC, 5, number=2)
    lag = await worker.lanes.lag()
    assert {lane: one.records for lane, one in lag.items()} == {0: 5 + 2}


async def test_an_empty_assignment_is_taken_over_and_ready(worker: Worker) -> None:
    await worker.lanes.take_over([], worker.flow)
    assert worker.lanes.ready


async def test_lag_in_seconds_is_the_age_of_the_oldest_record_that_was_given(worker: Worker) -> None:
    await running(worker)
    worker.writers[0].gate = asyncio.Event()
    worker.offer(TOPIC, 5, timestamp_ms=1000 * int(AT.timestamp()) - 90_000)
    await until(worker.writers[0].entered.is_set)
    worker.offer(TOPIC, 6, timestamp_ms=1000 * int(AT.timestamp()) - 10_000)
    assert (await worker.lanes.lag())[0].seconds == 90
    worker.writers[0].gate.set()
    await until(lambda: worker.notes.records == 2)
    worker.flow.positions = dict.fromkeys(worker.flow.positions, 10)
    assert await worker.lanes.lag() == {0: Lag(0, 0.0)}


async def test_a_lane_that_is_behind_with_nothing_fetched_is_so_since_that_was_seen(worker: Worker) -> None:
    await running(worker)
    lags = [(await worker.lanes.lag())[0].seconds]
    await asyncio.sleep(0.02)
    lags.append((await worker.lanes.lag())[0].seconds)
    assert lags[0] < lags[1] < 10
