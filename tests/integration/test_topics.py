"""`topics` against a real broker: it creates, it checks, and it says no with the reason."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from app.errors import CommandFailed
from app.kafka.admin import KafkaAdmin, NewTopicPlan
from app.kafka.topics import TopicsDiffer, check, create
from app.settings import Settings
from schemas.topics import AFTER_SALE_REQUEST, CONTROL, ORDER_LOGISTICS, all_topics
from tests.kafka_broker import Broker

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka of this module's own: what these tests create and break must not meet others.

    It creates whatever topic it is asked after, as brokers do by default; a check must not ask it so.
    """
    broker = Broker(tmp_path_factory.mktemp("kafka"), AUTOREFUND_KAFKA_EXTRA="auto.create.topics.enable=true")
    broker.start()
    yield broker.address
    broker.wipe()


@pytest.fixture
async def settings(brokers: str) -> AsyncIterator[Settings]:
    """Settings of an application on an empty broker."""
    yield Settings(brokers=brokers, partitions=3)
    client = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await client.start()
    ours = [name for name in await client.list_topics() if not name.startswith("__")]
    await client.delete_topics(ours)
    while any(not name.startswith("__") for name in await client.list_topics()):
        await asyncio.sleep(0.05)
    await client.close()


async def plant(settings: Settings, name: str, partitions: int, config: dict[str, str]) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.create([NewTopicPlan(name, partitions, 1, config)])


async def names(settings: Settings) -> set[str]:
    async with KafkaAdmin(settings) as admin:
        return set(await admin.describe([one.name for one in all_topics(settings.app_id)]))


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"AUTOREFUND_BROKERS": settings.brokers, "AUTOREFUND_PARTITIONS": str(settings.partitions)}
    return subprocess.run(
        [sys.executable, "-m", "app", "topics", *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_all_topics_are_created_as_the_catalogue_says(settings: Settings) -> None:
    created = await create(settings)
    assert set(created.created) == {one.name for one in all_topics("autorefund")}
    assert (created.partitions, created.replication) == (3, 1)
    assert (await check(settings)).partitions == 3


async def test_a_second_time_creates_nothing(settings: Settings) -> None:
    await create(settings)
    assert (await create(settings)).created == ()


async def test_two_at_the_same_time_do_not_disturb_each_other(settings: Settings) -> None:
    both = await asyncio.gather(create(settings), create(settings))
    assert [one.partitions for one in both] == [3, 3]


async def test_a_check_creates_nothing_and_names_what_is_missing(settings: Settings) -> None:
    with pytest.raises(TopicsDiffer) as error:
        await check(settings)
    assert len(error.value.differences) == len(all_topics("autorefund"))
    assert await names(settings) == set()


async def test_the_partitions_of_the_request_topic_count(settings: Settings) -> None:
    await plant(settings, AFTER_SALE_REQUEST.name, 5, AFTER_SALE_REQUEST.config())
    assert (await create(Settings(brokers=settings.brokers))).partitions == 5


async def test_a_number_of_partitions_that_cannot_be_had_is_refused(settings: Settings) -> None:
    await plant(settings, AFTER_SALE_REQUEST.name, 5, AFTER_SALE_REQUEST.config())
    with pytest.raises(TopicsDiffer, match="has 5 partitions, AUTOREFUND_PARTITIONS says 3"):
        await create(settings)


async def test_where_something_differs_nothing_is_created(settings: Settings) -> None:
    await plant(settings, ORDER_LOGISTICS.name, 3, ORDER_LOGISTICS.config() | {"cleanup.policy": "compact"})
    with pytest.raises(TopicsDiffer, match=r"order-logistics: cleanup.policy is compact"):
        await create(settings)
    assert await names(settings) == {ORDER_LOGISTICS.name}


async def test_partition_counts_that_differ_are_refused(settings: Settings) -> None:
    await plant(settings, CONTROL.name, 2, CONTROL.config())
    with pytest.raises(TopicsDiffer, match="control: has 2 partitions, after-sale-request has 3"):
        await create(settings)


async def test_more_copies_than_brokers_cannot_be_had(settings: Settings) -> None:
    with pytest.raises(CommandFailed, match=r"after-sale-request: could not be created: .*replication factor"):
        await create(settings.model_copy(update={"replication": 3}))


async def test_no_broker_is_told() -> None:
    with pytest.raises(CommandFailed, match=r"no Kafka broker answers at 127\.0\.0\.1:1 .*AUTOREFUND_BROKERS"):
        await check(Settings(brokers=NOBODY))


async def test_the_command_creates_and_exits_0(settings: Settings) -> None:
    done = run(settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("18 topics with 3 partitions each, 1 copy\n")


async def test_the_command_exits_1_where_topics_are_missing(settings: Settings) -> None:
    failed = run(settings, "--check")
    assert failed.returncode == 1
    assert "autorefund: control: does not exist. `python -m app topics` creates it" in failed.stderr.splitlines()


def test_the_command_exits_1_without_a_broker() -> None:
    failed = run(Settings(brokers=NOBODY))
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1


def test_the_command_exits_2_where_it_is_wrongly_called() -> None:
    assert run(Settings(), "--chek").returncode == 2
