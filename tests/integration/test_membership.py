"""Who is in the group: workers with names of their own, two under one name, and strangers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic

import pytest
from aiokafka import AIOKafkaConsumer

from tests.integration.outputs import produce
from tests.integration.town import PARTITIONS, Town
from tests.integration.traffic import make_traffic
from tests.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PATIENT = {"session_timeout_seconds": "30", "hold_seconds": "4"}
"""A restart is quicker than that on every machine."""
END_SECONDS_MAX = 60.0
REST_SECONDS = 8.0
"""Several heartbeats of a session of 6 s."""


def takeovers(worker: WorkerProcess) -> list[str]:
    """Each take-over that it told of: how many lanes, and which."""
    lines = worker.log.read_text().splitlines()
    return [line.partition("took over ")[2].partition(" in ")[0] for line in lines if "took over " in line]


async def share_the_lanes(first: WorkerProcess, second: WorkerProcess) -> None:
    until = monotonic() + END_SECONDS_MAX
    while sum(int(told[-1].split()[0]) for one in (first, second) if (told := takeovers(one))) != PARTITIONS:
        assert monotonic() < until, (takeovers(first), takeovers(second))
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_quick_restart_under_the_same_name_moves_no_lane(town: Town, how: str) -> None:
    traffic = make_traffic(11, 2500)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    stays = town.worker(instance_id="worker-a", **PATIENT)
    leaves = town.worker(instance_id="worker-b", **PATIENT)
    await share_the_lanes(stays, leaves)
    feeding = asyncio.create_task(produce(town.broker.address, traffic.records, PARTITIONS, per_second=800))
    before, its = takeovers(stays), takeovers(leaves)[-1]
    assert not its.startswith("0")
    await asyncio.sleep(1)
    if how == "stopped":
        assert await asyncio.to_thread(leaves.terminate) < 5
        assert leaves.exit_code == 0
    else:
        leaves.kill()
    back = await asyncio.to_thread(town.worker, instance_id="worker-b", **PATIENT)
    await feeding
    await town.settled(traffic)
    assert takeovers(stays) == before
    assert takeovers(back) == [its]


@pytest.mark.parametrize("paused", [False, True], ids=["beside it", "while it was paused"])
async def test_of_two_workers_under_one_name_the_older_ends_and_says_why(town: Town, paused: bool) -> None:
    traffic = make_traffic(12, 1500)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    older = town.worker(instance_id="worker-a", hold_seconds="4")
    if paused:
        older.pause()
    younger = await asyncio.to_thread(town.worker, instance_id="worker-a", hold_seconds="4")
    if paused:
        older.resume()
    feeding = asyncio.create_task(produce(town.broker.address, traffic.records, PARTITIONS, per_second=800))
    assert await asyncio.to_thread(older.wait, END_SECONDS_MAX) == 1
    said = older.log.read_text()
    assert "another worker has joined the group under the instance id worker-a" in said
    assert "Each worker needs an instance id of its own" in said
    assert len(older.last_words()) == 2, said
    await feeding
    await asyncio.sleep(REST_SECONDS)
    await town.settled(traffic)
    assert younger.is_ready()
    assert len(takeovers(younger)) == 1


async def test_a_named_worker_whose_session_ran_out_joins_again(town: Town) -> None:
    traffic = make_traffic(13, 500)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    worker = town.worker(instance_id="worker-a", hold_seconds="4")
    worker.pause()
    await asyncio.sleep(REST_SECONDS)
    worker.resume()
    await produce(town.broker.address, traffic.records, PARTITIONS)
    await town.settled(traffic)
    assert worker.exit_code is None


async def test_a_stranger_in_the_group_is_named_and_not_waited_for(town: Town, tmp_path: Path) -> None:
    stranger = AIOKafkaConsumer("refund-alert", bootstrap_servers=town.broker.address, group_id="autorefund")
    await stranger.start()
    try:
        worker = town.worker(ready=False)
        assert await asyncio.to_thread(worker.wait, END_SECONDS_MAX) == 1
        reason, _ = worker.last_words()
        assert "InconsistentGroupProtocol" in reason
    finally:
        await stranger.stop()
