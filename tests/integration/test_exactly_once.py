"""The promise of the whole: each request decided exactly once, and no budget exceeded, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from app.kafka import topics
from app.settings import Settings
from tests.integration.outputs import produce, settled
from tests.integration.traffic import make_traffic
from tests.kafka_broker import Broker
from tests.worker_process import WorkerProcess

PARTITIONS = 4
SEED = 20_000


@pytest.mark.integration
@pytest.mark.timeout(400)
async def test_twenty_thousand_requests_are_decided_once_though_workers_are_killed_five_times(
    own_broker: Broker, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    traffic = make_traffic(SEED, 20_000)
    await _make_topics(own_broker)
    await produce(own_broker.address, traffic.configs, PARTITIONS)
    settings = _settings(own_broker, tmp_path)
    workers = [WorkerProcess(tmp_path / f"worker-{number}.log", settings) for number in range(2)]
    try:
        for worker in workers:
            await asyncio.to_thread(worker.wait_until_ready)
        feeding = asyncio.create_task(produce(own_broker.address, traffic.records, PARTITIONS, per_second=1200))
        for kill in range(5):
            await asyncio.sleep(chance.uniform(2, 5))
            victim = chance.randrange(2)
            workers[victim].kill()
            workers[victim] = WorkerProcess(tmp_path / f"worker-{victim}-{kill}.log", settings)
        await feeding
        report = await settled(own_broker.address, traffic, "autorefund", PARTITIONS)
    finally:
        for worker in workers:
            worker.kill()
    assert not report.faults
    assert report.decided == len(traffic.pending)
    assert report.reasons["approved"] > 0
    assert report.reasons["daily_cap_reached"] > 0


async def _make_topics(broker: Broker) -> None:
    await topics.create(Settings(brokers=broker.address, partitions=PARTITIONS))


def _settings(broker: Broker, tmp_path: Path) -> dict[str, str]:
    return {
        "AUTOREFUND_BROKERS": broker.address,
        "AUTOREFUND_HOLD_SECONDS": "5",
        "AUTOREFUND_SESSION_TIMEOUT_SECONDS": "6",
        "AUTOREFUND_DATA_DIR": str(tmp_path / "data"),
    }
