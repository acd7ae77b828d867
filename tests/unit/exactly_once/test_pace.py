"""Lanes share one event loop: a batch is short, and other lanes' transactions move between two batches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aiokafka import TopicPartition

from app.exactly_once.lane import Lane
from app.exactly_once.pace import GROWTH, RECORDS_FIRST, RECORDS_MIN, Pace, Turn
from app.lane_job import Emit
from tables.stores.memory import MemoryStore
from tests.unit.exactly_once.stage import TOPIC, EchoJob, Notes, ToldWriter, clock, fetched, layer, until

STEPS = 5
"""Answers that a transaction waits for, one after the other."""


class SteppedWriter(ToldWriter):
    """Its commits take some rounds of the loop, as answers of a broker do that is at hand."""

    def __init__(self, others: list[EchoJob]) -> None:
        super().__init__()
        self._others = others
        self.worked_meanwhile: list[int] = []

    async def commit(
        self, puts: Mapping[str, Any], emits: Iterable[Emit], offsets: Mapping[TopicPartition, int]
    ) -> Mapping[str, int]:
        before = sum(len(job.batches) for job in self._others)
        for _ in range(STEPS):
            await asyncio.sleep(0)
        self.worked_meanwhile.append(sum(len(job.batches) for job in self._others) - before)
        return await super().commit(puts, emits, offsets)


def make_lane(turn: Turn, job: EchoJob, writer: ToldWriter) -> Lane:
    lane = Lane(
        0,
        job=job,
        stores={"echoes": MemoryStore()},
        writer=writer,
        positions={TopicPartition(TOPIC, 0): 0},
        settings=layer(batch_records_max=1),
        clock=clock,
        observer=Notes(),
        turn=turn,
    )
    lane.offer(fetched(0, 40))
    return lane


async def test_a_transaction_waits_for_one_batch_of_other_lanes_at_most() -> None:
    turn, others, job = Turn(), [EchoJob(), EchoJob(), EchoJob()], EchoJob()
    writer = SteppedWriter(others)
    lanes = [make_lane(turn, job, writer), *(make_lane(turn, other, ToldWriter()) for other in others)]
    tasks = [asyncio.create_task(lane.run()) for lane in lanes]
    await until(lambda: all(lane.waiting_records == 0 for lane in lanes))
    assert len(writer.worked_meanwhile) == 40
    assert max(writer.worked_meanwhile) <= 1
    for task in tasks:
        task.cancel()


async def test_a_lane_that_is_cancelled_while_it_waits_gives_up_its_turn() -> None:
    turn = Turn()
    async with turn.taken():
        waiting = asyncio.create_task(_take(turn))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        await _take(turn)


async def _take(turn: Turn) -> None:
    async with turn.taken():
        pass


def test_a_batch_is_as_long_as_its_time_allows() -> None:
    pace = Pace(records_max=4000, seconds_max=0.1)
    assert pace.records == RECORDS_FIRST
    pace.took(500, 0.2)
    assert pace.records == 250
    pace.took(250, 0.05)
    assert pace.records == 500


def test_the_limit_grows_slowly_and_has_both_ends() -> None:
    pace = Pace(records_max=4000, seconds_max=0.1)
    pace.took(500, 0.0)
    assert pace.records == GROWTH * RECORDS_FIRST
    for _ in range(5):
        pace.took(pace.records, 1e-6)
    assert pace.records == 4000
    pace.took(4000, 1000.0)
    assert pace.records == RECORDS_MIN


@pytest.mark.parametrize("records_max", [1, 5, 499])
def test_no_more_than_the_setting_allows(records_max: int) -> None:
    pace = Pace(records_max=records_max, seconds_max=0.1)
    assert pace.records == records_max
    pace.took(1, 10.0)
    assert pace.records == min(RECORDS_MIN, records_max)


def test_a_batch_without_records_says_nothing_of_their_cost() -> None:
    pace = Pace(records_max=4000, seconds_max=0.1)
    pace.took(0, 5.0)
    assert pace.records == RECORDS_FIRST
