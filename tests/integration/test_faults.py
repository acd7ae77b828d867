"""Faults of the world: a worker that was paused and comes back, a broker that dies or stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.integration.outputs import produce
from tests.integration.town import PARTITIONS, Town
from tests.integration.traffic import Traffic, make_traffic
from tests.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SESSION_SECONDS = 6


async def begin(town: Town, seed: int, requests: int) -> Traffic:
    traffic = make_traffic(seed, requests)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    return traffic


async def test_a_worker_that_was_paused_for_longer_than_its_session_can_write_nothing_more(town: Town) -> None:
    traffic = await begin(town, 1, 8000)
    zombie, other = town.worker(hold_seconds="4"), town.worker(hold_seconds="4")
    feeding = asyncio.create_task(produce(town.broker.address, traffic.records, PARTITIONS, per_second=600))
    await asyncio.sleep(3)
    zombie.pause()
    await asyncio.sleep(SESSION_SECONDS + 4)
    zombie.resume()
    await feeding
    await town.settled(traffic)
    assert other.exit_code is None
    await comes_back_or_says_why(zombie)


async def comes_back_or_says_why(worker: WorkerProcess) -> None:
    until = monotonic() + 30
    while monotonic() < until and worker.exit_code is None and not worker.is_ready():
        await asyncio.sleep(0.2)
    assert worker.is_ready() or worker.exit_code == 1


async def test_a_broker_that_dies_under_load_loses_and_doubles_nothing(town: Town, tmp_path: Path) -> None:
    traffic = await begin(town, 2, 6000)
    town.worker(hold_seconds="4")
    feeding = asyncio.create_task(produce(town.broker.address, traffic.records, PARTITIONS, per_second=600))
    for _ in range(2):
        await asyncio.sleep(3)
        await asyncio.to_thread(town.broker.kill)
        await asyncio.to_thread(town.broker.start)
    await feeding
    async with supervised(town):
        await town.settled(traffic)


@asynccontextmanager
async def supervised(town: Town) -> AsyncIterator[None]:
    """As a supervisor does it: a worker that gave up, however long after its fault, is started again."""

    async def supervise() -> None:
        while True:
            if all(worker.exit_code is not None for worker in town.workers):
                town.worker(ready=False, hold_seconds="4")
            await asyncio.sleep(0.5)

    task = asyncio.create_task(supervise())
    try:
        yield
    finally:
        task.cancel()


async def test_a_broker_that_stands_still_for_a_while_is_waited_for(town: Town) -> None:
    traffic = await begin(town, 3, 4000)
    town.worker(hold_seconds="4")
    feeding = asyncio.create_task(produce(town.broker.address, traffic.records, PARTITIONS, per_second=600))
    await asyncio.sleep(3)
    town.broker.pause()
    await asyncio.sleep(4)
    town.broker.resume()
    await feeding
    async with supervised(town):
        await town.settled(traffic)


async def test_a_signal_under_load_ends_a_worker_in_order_within_five_seconds(town: Town) -> None:
    traffic = await begin(town, 4, 4000)
    first, second = town.worker(hold_seconds="4"), town.worker(hold_seconds="4")
    feeding = asyncio.create_task(produce(town.broker.address, traffic.records, PARTITIONS, per_second=800))
    await asyncio.sleep(2)
    seconds = await asyncio.to_thread(first.terminate)
    assert (first.exit_code, seconds < 5) == (0, True)
    await feeding
    await town.settled(traffic)
    assert second.exit_code is None
