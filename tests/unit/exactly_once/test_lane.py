"""One lane, one batch at a time: what is committed together, and what remains of a batch that was not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, ProducerFenced

from app.exactly_once.lane import Lane
from app.exactly_once.layer import LaneState, TransactionOutcomeUnknown
from app.exactly_once.pace import Turn
from tables.stores.errors import DiskRefuses
from tables.stores.memory import MemoryStore
from tests.builders import AT
from tests.unit.exactly_once.stage import TOPIC, EchoJob, Notes, ToldWriter, clock, fetched, layer, until

TP = TopicPartition(TOPIC, 0)
OTHER = TopicPartition("rules", 0)


class Bench:
    """A lane and its neighbours."""

    def __init__(self, **settings: Any) -> None:
        self.job, self.writer, self.notes, self.store = EchoJob(), ToldWriter(), Notes(), MemoryStore()
        self.room: list[tuple[int, bool]] = []
        self.lane = Lane(
            0,
            job=self.job,
            stores={"echoes": self.store},
            writer=self.writer,
            positions={TP: 0, OTHER: 0},
            settings=layer(**settings),
            clock=clock,
            observer=self.notes,
            turn=Turn(),
            after_batch=self._after_batch,
        )
        self.task: asyncio.Task[None] | None = None

    def _after_batch(self, lane: Lane) -> None:
        self.room.append((lane.waiting_records, lane.has_room))

    def run(self) -> asyncio.Task[None]:
        self.task = asyncio.create_task(self.lane.run())
        return self.task

    def trace(self) -> tuple[dict[bytes, bytes], int | None]:
        """What is left in the store."""
        return dict(self.store.items()), self.store.position


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    if bench.task is not None:
        bench.task.cancel()
        await asyncio.gather(bench.task, return_exceptions=True)


async def test_everything_that_waits_goes_into_one_transaction_with_its_offsets(bench: Bench) -> None:
    bench.lane.offer(fetched(0, 3))
    bench.lane.offer(fetched(0, 2, topic="rules"))
    bench.lane.offer(fetched(3, 2))
    bench.run()
    await until(lambda: bench.writer.commits)
    ((puts, emits, offsets),) = bench.writer.commits
    assert offsets == {TP: 5, OTHER: 2}
    assert len(emits) == 7
    assert set(puts) == {"echoes"}
    assert bench.trace()[1] == 100
    assert (bench.job.log, bench.notes.records) == (["process", "committed"], 7)
    assert bench.room == [(0, True)]


async def test_a_batch_has_a_limit_and_a_fetch_beyond_it_is_split() -> None:
    bench = Bench(batch_records_max=5)
    for first in (0, 3):
        bench.lane.offer(fetched(first, 3))
    bench.lane.offer(fetched(6, 11))
    task = bench.run()
    await until(lambda: len(bench.job.batches) == 4)
    assert bench.job.batches == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16]]
    assert [offsets[TP] for _, _, offsets in bench.writer.commits] == [5, 10, 15, 17]
    assert (bench.lane.waiting_records, bench.lane.waiting_bytes) == (0, 0)
    task.cancel()


async def test_what_was_taken_before_is_dropped_and_never_taken_again(bench: Bench) -> None:
    bench.lane.offer(fetched(0, 4))
    bench.lane.offer(fetched(2, 4))
    bench.lane.offer(fetched(0, 2))
    bench.run()
    await until(lambda: bench.writer.commits)
    assert bench.job.batches == [[0, 1, 2, 3, 4, 5]]
    assert bench.writer.commits[0][2] == {TP: 6}


async def test_stores_change_only_after_the_commit(bench: Bench) -> None:
    bench.writer.gate = asyncio.Event()
    bench.lane.offer(fetched(0, 1))
    bench.run()
    await bench.writer.entered.wait()
    assert bench.trace() == ({}, None)
    assert bench.lane.in_transaction
    bench.writer.gate.set()
    await until(lambda: bench.job.log[-1] == "committed")
    assert bench.trace() == ({b"k0": b"v"}, 100)


async def test_a_fence_ends_the_lane_quietly_and_leaves_no_trace(bench: Bench) -> None:
    bench.writer.fails = ProducerFenced()
    bench.lane.offer(fetched(0, 1))
    await bench.run()
    assert bench.lane.state is LaneState.FENCED
    assert bench.trace() == ({}, None)
    assert bench.job.log == ["process", "aborted"]
    assert bench.notes.lines == ["fenced 0", "aborted 0"]
    assert bench.room == []


@pytest.mark.parametrize("error", [KafkaConnectionError(), TimeoutError(), ValueError("odd")])
async def test_any_other_failure_leaves_the_outcome_unknown(bench: Bench, error: Exception) -> None:
    bench.writer.fails = error
    bench.lane.offer(fetched(0, 1))
    with pytest.raises(TransactionOutcomeUnknown, match="lane 0"):
        await bench.run()
    assert bench.trace() == ({}, None)
    assert bench.job.log == ["process", "aborted"]


async def test_a_revoked_lane_leaves_no_trace_of_an_open_batch(bench: Bench) -> None:
    bench.writer.gate = asyncio.Event()
    bench.lane.offer(fetched(0, 1))
    task = bench.run()
    await bench.writer.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.trace() == ({}, None)
    assert bench.job.log == ["process", "aborted"]
    assert bench.notes.lines == ["aborted 0"]


async def test_a_broken_invariant_goes_through_and_nothing_is_committed(bench: Bench) -> None:
    bench.job.breaks = RuntimeError("spent more than the cap")
    bench.lane.offer(fetched(0, 1))
    with pytest.raises(RuntimeError, match="spent more"):
        await bench.run()
    assert bench.writer.commits == []
    assert bench.trace() == ({}, None)


async def test_what_falls_due_wakes_the_lane_and_writes_nothing_where_nothing_came_of_it(bench: Bench) -> None:
    bench.job.due = AT - timedelta(seconds=1)
    bench.run()
    await until(lambda: bench.job.batches == [[]])
    await until(lambda: bench.job.log == ["process", "committed"])
    assert bench.writer.commits == []


async def test_what_falls_due_later_is_waited_for() -> None:
    bench = Bench()
    bench.job.due = AT + timedelta(milliseconds=30)
    task = bench.run()
    await asyncio.sleep(0.01)
    assert bench.job.batches == []
    bench.lane.offer(fetched(0, 1))
    await until(lambda: bench.job.batches == [[0]])
    task.cancel()


async def test_fullness_by_records_and_by_bytes_and_room_again_at_half() -> None:
    for limits in ({"lane_records_max": 10}, {"lane_bytes_max": 30}):
        bench = Bench(batch_records_max=3, **limits)
        for first in (0, 3, 6):
            bench.lane.offer(fetched(first, 3))
        assert not bench.lane.is_full
        bench.lane.offer(fetched(9, 3))
        assert bench.lane.is_full
        assert not bench.lane.has_room
        task = bench.run()
        await until(lambda bench=bench: len(bench.room) == 4)
        assert bench.room == [(9, False), (6, False), (3, True), (0, True)]
        task.cancel()


async def test_a_finishing_lane_ends_with_its_batch(bench: Bench) -> None:
    bench.writer.gate = asyncio.Event()
    bench.lane.offer(fetched(0, 1))
    task = bench.run()
    await bench.writer.entered.wait()
    bench.lane.offer(fetched(1, 1))
    bench.lane.finish()
    bench.writer.gate.set()
    await task
    assert bench.job.batches == [[0]]
    assert len(bench.writer.commits) == 1


async def test_an_idle_lane_does_not_stand_still_and_a_busy_one_does(bench: Bench) -> None:
    await asyncio.sleep(0.02)
    assert bench.lane.still_for_seconds == 0
    bench.lane.offer(fetched(0, 1))
    assert bench.lane.still_for_seconds < 0.02
    await asyncio.sleep(0.02)
    assert bench.lane.still_for_seconds >= 0.02


class FullDisk(MemoryStore):
    """Takes nothing."""

    def apply(self, puts: Mapping[bytes, bytes | None], position: int) -> None:
        raise DiskRefuses(Path("data"), "No space left on device")


async def test_a_store_that_takes_nothing_after_the_commit_ends_the_lane_and_says_so(bench: Bench) -> None:
    bench.lane._stores = {"echoes": FullDisk()}
    task = bench.run()
    bench.lane.offer(fetched(0, 3))
    with pytest.raises(DiskRefuses, match="make room there"):
        await task
    assert len(bench.writer.commits) == 1
    assert bench.job.log[-1] == "aborted"
