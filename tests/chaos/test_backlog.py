"""A backlog of hours is worked off without the worker's memory growing with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.backlog import again_and_again, watch, write
from tests.integration.outputs import examine, produce
from tests.integration.town import PARTITIONS, Town, town_on
from tests.integration.traffic import Traffic, make_traffic
from tests.kafka_broker import Broker

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

RECORDS = 300_000
DISTINCT = 3000
WORK_SECONDS_MAX = 600
START_MB_MAX = 140
"""A worker that has nothing to do."""
LANES_MB_MAX = 100
"""What a worker with the lanes below may take on top of it: records that wait in three lanes, in the client and in a batch,
as bytes and as events."""
GROWTH_MB_MAX = 25
"""Between the first and the last third of the work."""
DISK_MB_MAX = 300
"""RocksDB's write buffers and block cache, and what Python keeps of the same, on top of all that."""
SMALL_LANES = {"lane_records_max": "2000", "lane_bytes_max": "4000000", "hold_seconds": "4"}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    broker = Broker(tmp_path / "kafka")
    broker.start()
    try:
        async with town_on(broker, tmp_path) as town:
            yield town
    finally:
        broker.wipe()


async def decided(town: Town, traffic: Traffic) -> None:
    while (report := await examine(town.broker.address, traffic, "autorefund", PARTITIONS)).missing:
        await asyncio.sleep(1)
    assert not report.faults


def requests_in(traffic: Traffic) -> int:
    return sum(sent.topic == "after-sale-request" for sent in traffic.records) - len(traffic.bad)


async def test_a_backlog_of_known_requests_leaves_memory_as_it_is(town: Town) -> None:
    traffic = again_and_again(21, DISTINCT, RECORDS)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    await write(town.broker.address, traffic.records, PARTITIONS)
    worker = town.worker(**SMALL_LANES)
    number = requests_in(traffic)
    curve = await watch(worker, number, WORK_SECONDS_MAX)
    print("\n" + "\n".join(curve.lines()))
    assert curve.most(0, 1, number) <= START_MB_MAX + LANES_MB_MAX
    assert curve.most(0.66, 1, number) <= curve.most(0, 0.33, number) + GROWTH_MB_MAX
    await decided(town, traffic)


async def test_a_backlog_of_new_requests_goes_to_the_disk(town: Town) -> None:
    traffic = make_traffic(22, RECORDS // 2)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    await write(town.broker.address, traffic.records, PARTITIONS)
    worker = town.worker(store="rocksdb", **SMALL_LANES)
    number = requests_in(traffic)
    curve = await watch(worker, number, WORK_SECONDS_MAX)
    print("\n" + "\n".join(curve.lines()))
    assert curve.most(0, 1, number) <= START_MB_MAX + LANES_MB_MAX + DISK_MB_MAX
    assert curve.most(0.66, 1, number) <= curve.most(0, 0.5, number) + 2 * GROWTH_MB_MAX
    await decided(town, traffic)
