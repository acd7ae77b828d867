"""A worker that cannot start says why in a line, and exits: 1 where the world is at fault, 2 where it was wrongly called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.integration.town import Town

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 60
NOBODY = "127.0.0.1:1"


def start(brokers: str, **settings: str) -> tuple[int, str]:
    """The exit code of a worker that ends by itself, and what it said last."""
    environment = os.environ | {"AUTOREFUND_BROKERS": brokers, "AUTOREFUND_HTTP_PORT": "0"} | settings
    done = subprocess.run(
        [sys.executable, "-m", "app", "worker"],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_without_a_broker_it_says_so() -> None:
    code, said = start(NOBODY)
    assert code == 1
    assert NOBODY in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTOREFUND_HOLD_SECONDS", "soon"),
        ("AUTOREFUND_STORE", "tape"),
        ("AUTOREFUND_BROKERS", "nowhere"),
        ("AUTOREFUND_HOLD_SECOND", "5"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    code, said = start(NOBODY, **{name: value})
    assert code == 2
    assert name in said


async def test_topics_that_would_lose_or_part_records_are_refused(town: Town) -> None:
    """One story, one broker: each fault is named, and nothing was decided."""
    admin = AIOKafkaAdminClient(bootstrap_servers=town.broker.address)
    await admin.start()
    try:
        compact = {"cleanup.policy": "compact"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "after-sale-request", compact)])
        code, said = start(town.broker.address)
        assert (code, "after-sale-request" in said, "cleanup.policy" in said) == (1, True, True)
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, "after-sale-request", {"retention.ms": "-1"})]
        )

        await admin.create_partitions({"order-logistics": NewPartitions(5)})
        code, said = start(town.broker.address)
        assert (code, "order-logistics" in said, "5" in said) == (1, True, True)

        await admin.delete_topics(["order-logistics"])
        code, said = start(town.broker.address)
        assert (code, "order-logistics" in said, "missing" in said.lower() or "not exist" in said) == (1, True, True)
    finally:
        await admin.close()
    assert await town.decisions() == {}
