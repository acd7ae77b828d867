"""The exactly-once layer with a toy job on a real Kafka, nothing failing."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.exactly_once.stage import PARTITIONS, Stage, stage_on, until
from tests.kafka_broker import Broker

pytestmark = pytest.mark.integration

ALL = set(range(PARTITIONS))


@pytest.fixture
async def stage(shared_broker: Broker, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_on(shared_broker.address, tmp_path) as stage:
        yield stage


async def test_every_request_is_counted_once_and_tables_agree(stage: Stage) -> None:
    await stage.feed(3000)
    worker = stage.worker()
    await stage.all_counted()
    await stage.judge()
    assert worker.lanes == ALL


async def test_a_signal_ends_a_worker_within_five_seconds_and_it_leaves_the_group(stage: Stage) -> None:
    first = stage.worker()
    await until("the first is ready", lambda: first.lanes == ALL)
    await stage.feed(3000)
    started = time.monotonic()
    first.send(signal.SIGTERM)
    await until("it is gone", lambda: first.exit_code is not None, 10)
    assert time.monotonic() - started < 5
    assert first.exit_code == 0
    second = stage.worker()
    started = time.monotonic()
    await until("the second has all", lambda: second.lanes == ALL, 20)
    await stage.all_counted()
    await stage.judge()
