"""A cluster of three: settings under which it could lose what it acknowledged, and a node that is not the coordinator."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.exactly_once.offsets import ask, committed_offsets
from app.kafka.topics import TopicsDiffer, check, create
from app.settings import Settings
from tests.kafka_cluster import NODES, Cluster

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CONFIGS = "kafka.admin.ConfigCommand"
COMMITTED, NEVER = TopicPartition("after-sale-request", 0), TopicPartition("after-sale-request", 1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        asyncio.run(begin(cluster))
        yield cluster
    finally:
        cluster.wipe()


async def begin(cluster: Cluster) -> None:
    """Our topics, Kafka's own, and one committed offset."""
    created = await create(settings_of(cluster))
    assert (created.replication, len(created.created)) == (3, 18)
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.address, group_id="autorefund", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([COMMITTED])
    await consumer.commit({COMMITTED: 7})
    await consumer.stop()
    producer = AIOKafkaProducer(bootstrap_servers=cluster.address, transactional_id="any")
    await producer.start()
    await producer.stop()


def settings_of(cluster: Cluster) -> Settings:
    return Settings(brokers=cluster.address, partitions=2)


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.address)
    await admin.start()
    yield admin
    await admin.close()


class Astray:
    """Asks each node in turn, beginning with those that do not coordinate the group."""

    def __init__(self, admin: AIOKafkaAdminClient, coordinator: int) -> None:
        self.answers: list[dict[TopicPartition, Any]] = []
        self._admin = admin
        self._nodes = itertools.cycle([*(set(NODES) - {coordinator}), coordinator])

    async def list_consumer_group_offsets(self, group_id: str, *, partitions: list[TopicPartition]) -> Any:
        found = await self._admin.list_consumer_group_offsets(group_id, next(self._nodes), partitions)
        self.answers.append(found)
        return found


async def test_a_node_that_does_not_coordinate_the_group_is_not_believed_that_nothing_was_committed(
    cluster: Cluster, admin: AIOKafkaAdminClient
) -> None:
    astray = Astray(admin, await admin.find_coordinator("autorefund"))
    assert await ask(astray, "autorefund", [COMMITTED, NEVER]) == {COMMITTED: 7, NEVER: None}
    assert astray.answers[:-1] == [{}, {}]
    assert await committed_offsets(cluster.address, "autorefund", [COMMITTED, NEVER]) == {COMMITTED: 7, NEVER: None}


async def set_topic(admin: AIOKafkaAdminClient, topic: str, **config: str) -> None:
    """Its own settings are these and no others; the rest is the brokers'."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {k.replace("_", "."): v for k, v in config.items()})
    await admin.alter_configs([resource])


async def refusal(cluster: Cluster, seconds_max: float = 20.0) -> tuple[str, ...]:
    """What the start of a worker says, once every node has heard of a change."""
    async with asyncio.timeout(seconds_max):
        while True:
            try:
                await check(settings_of(cluster))
            except TopicsDiffer as error:
                return error.differences
            await asyncio.sleep(0.1)


async def accepted(cluster: Cluster, seconds_max: float = 20.0) -> None:
    async with asyncio.timeout(seconds_max):
        while True:
            try:
                await check(settings_of(cluster))
            except TopicsDiffer:
                await asyncio.sleep(0.1)
            else:
                return


@pytest.mark.parametrize("topic", ["__transaction_state", "__consumer_offsets"])
async def test_a_topic_of_kafkas_own_that_could_lose_a_commit_is_refused(
    cluster: Cluster, admin: AIOKafkaAdminClient, topic: str
) -> None:
    await accepted(cluster)
    await set_topic(admin, topic, cleanup_policy="compact", min_insync_replicas="1")
    (said,) = await refusal(cluster)
    assert said.startswith(f"{topic}: min.insync.replicas is 1, needed: 2 or more. Mend it: ")
    arguments = said.partition("kafka-configs.sh ")[2].split()
    await asyncio.to_thread(cluster.command, CONFIGS, *arguments)  # what it says is what mends it
    await accepted(cluster)


async def test_a_topic_whose_leader_may_be_a_node_that_missed_something_is_refused(
    cluster: Cluster, admin: AIOKafkaAdminClient
) -> None:
    await accepted(cluster)
    await set_topic(admin, "control", retention_ms="-1", unclean_leader_election_enable="true")
    (said,) = await refusal(cluster)
    assert said.startswith("control: unclean.leader.election.enable is true, needed: false")

    await set_topic(admin, "control", retention_ms="-1")  # what is not said of a topic, the brokers say
    await accepted(cluster)
    brokers = ("--bootstrap-server", cluster.address, "--alter", "--entity-type", "brokers", "--entity-default")
    await asyncio.to_thread(cluster.command, CONFIGS, *brokers, "--add-config", "unclean.leader.election.enable=true")
    said_of = {said.partition(":")[0] for said in await refusal(cluster)}
    assert said_of >= {"control", "__consumer_offsets"}
    await asyncio.to_thread(cluster.command, CONFIGS, *brokers, "--delete-config", "unclean.leader.election.enable")
    await accepted(cluster)
