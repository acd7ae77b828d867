"""Requests of an earlier transaction that were delayed in the network, and arrive when a later one is open (design, 7).

The client's connection breaks while a request is under way; the client repeats it on another, and goes on. The first copy is
still there, and the broker takes it for what it says. Nothing of a later transaction may be changed by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from app.exactly_once.layer import LayerSettings
from app.exactly_once.offsets import group_offsets
from app.exactly_once.restore import restore
from app.exactly_once.transactions import RETRY_BACKOFF_MS, LaneProducer
from app.kafka.admin import KafkaAdmin, NewTopicPlan
from app.lane_job import Emit
from app.settings import Settings
from app.worker import layer_settings
from tables.stores.memory import MemoryStore
from tests.integration.outputs import read_topic, transactions_ended
from tests.kafka_proxy import Kind, Proxy, proxied_broker

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PARTITIONS = 40
"""A lane for each test."""
REQUESTS, ALERTS, CHANGELOG = "after-sale-request", "refund-alert", "autorefund-orders-changelog"
lanes = count()


class Street:
    """A lane whose producer talks through the proxy, and what can be seen of it without."""

    def __init__(self, direct: LayerSettings, proxied: LayerSettings, proxy: Proxy) -> None:
        self.lane = next(lanes)
        self.proxy = proxy
        self.direct, self.proxied = direct, proxied
        self.writer = LaneProducer(proxied, self.lane)
        self.successor = LaneProducer(direct, self.lane)
        self.input = TopicPartition(REQUESTS, self.lane)
        self.changelog = TopicPartition(CHANGELOG, self.lane)

    async def commit(self, number: int, writer: LaneProducer | None = None) -> None:
        """The transaction of that number: a cell, an alert, an offset."""
        puts = {"orders": {b"cell": b"%d" % number}}
        await (writer or self.writer).commit(puts, [Emit(ALERTS, b"k", b"%d" % number)], {self.input: number})

    async def alerts(self) -> list[int]:
        """The numbers of the transactions that readers see."""
        found = await read_topic(self.direct.brokers, ALERTS, PARTITIONS)
        return [int(record.value) for record in found if record.partition == self.lane]

    async def shows(self, *numbers: int) -> None:
        """Fails unless these transactions and no others were committed, whole, the last one last, and none is open."""
        await transactions_ended(self.direct.brokers, [self.changelog, TopicPartition(ALERTS, self.lane)])
        store = MemoryStore()
        await restore(self.direct, {self.changelog: store}, lambda *_: None)
        assert await self.alerts() == list(numbers)
        assert dict(store.items()) == {b"cell": b"%d" % numbers[-1]}
        assert await group_offsets(self.direct, [self.input]) == {self.input: numbers[-1]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[LayerSettings, LayerSettings, Proxy]]:
    async with proxied_broker(tmp_path_factory.mktemp("kafka")) as (broker, proxy):
        direct, proxied = Settings(brokers=broker.address), Settings(brokers=f"127.0.0.1:{proxy.port}")
        async with KafkaAdmin(direct) as admin:
            await admin.create([NewTopicPlan(name, PARTITIONS, 1, {}) for name in (REQUESTS, ALERTS, CHANGELOG)])
        yield layer_settings(direct, PARTITIONS), layer_settings(proxied, PARTITIONS), proxy


@pytest_asyncio.fixture(loop_scope="module")
async def street(network: tuple[LayerSettings, LayerSettings, Proxy]) -> AsyncIterator[Street]:
    street = Street(*network)
    await street.writer.start()
    await street.commit(1)
    yield street
    await street.writer.close()
    await street.successor.close()


STALE = [Kind.PRODUCE, Kind.ADD_PARTITIONS_TO_TXN, Kind.ADD_OFFSETS_TO_TXN, Kind.TXN_OFFSET_COMMIT, Kind.END_TXN]
BEFORE = [Kind.ADD_PARTITIONS_TO_TXN, Kind.PRODUCE, Kind.ADD_OFFSETS_TO_TXN, Kind.TXN_OFFSET_COMMIT, Kind.END_TXN]


@pytest.mark.parametrize("stale", STALE, ids=lambda kind: kind.name)
@pytest.mark.parametrize("before", BEFORE, ids=lambda kind: f"before {kind.name}")
async def test_a_delayed_request_changes_nothing_of_a_later_transaction(
    street: Street, stale: Kind, before: Kind
) -> None:
    delayed = street.proxy.hold(stale)
    await street.commit(2)  # the client repeated it
    await delayed.caught

    gate = street.proxy.gate(before)
    third = asyncio.create_task(street.commit(3))
    await gate.reached.wait()
    await delayed.arrives()
    assert await street.alerts() == [1, 2]  # and nothing of the third one, which is still open
    gate.open()
    await third
    await street.shows(1, 2, 3)


@pytest.mark.parametrize("kind", STALE, ids=lambda kind: kind.name)
async def test_a_request_whose_answer_was_lost_is_carried_out_once(street: Street, kind: Kind) -> None:
    street.proxy.lose_answer(kind)
    for number in (2, 3):
        await street.commit(number)
    await street.shows(1, 2, 3)


@pytest.mark.parametrize("kind", [Kind.FIND_COORDINATOR, Kind.INIT_PRODUCER_ID], ids=lambda kind: kind.name)
async def test_a_lane_is_taken_though_a_connection_breaks_meanwhile(street: Street, kind: Kind) -> None:
    street.proxy.lose_answer(kind)
    again = LaneProducer(street.proxied, street.lane)
    await again.start()
    await street.commit(2, again)
    await again.close()
    await street.shows(1, 2)


async def test_a_fresh_epoch_is_asked_for_again_where_its_answer_was_lost(street: Street) -> None:
    await slow_commit(street, 2)
    street.proxy.lose_answer(Kind.INIT_PRODUCER_ID)
    for number in (3, 4):
        await street.commit(number)
    await street.shows(1, 2, 3, 4)


async def test_who_wants_a_fresh_epoch_cannot_take_back_a_lane_that_is_anothers(street: Street) -> None:
    """A worker that was paused in its commit for longer than its session, and goes on with what it had fetched."""
    await slow_commit(street, 2)
    await street.successor.start()
    await street.commit(3, street.successor)
    with pytest.raises(ProducerFenced):
        await street.commit(3)
    await street.commit(4, street.successor)
    await street.shows(1, 2, 3, 4)


async def test_who_wants_a_fresh_epoch_amid_the_successors_transaction_commits_nothing(street: Street) -> None:
    """The broker gives up the open transaction before it looks at the epoch. Then both are fenced, and neither is believed."""
    await slow_commit(street, 2)
    successor = LaneProducer(street.proxied, street.lane)
    await successor.start()
    gate = street.proxy.gate(Kind.END_TXN)
    third = asyncio.create_task(street.commit(3, successor))
    await gate.reached.wait()
    with pytest.raises(ProducerFenced):
        await street.commit(3)
    gate.open()
    with pytest.raises(ProducerFenced):
        await third
    await successor.close()
    await street.successor.start()
    await street.commit(5, street.successor)
    await street.shows(1, 2, 5)


async def test_a_delayed_fence_ends_a_lane_and_none_of_its_transactions_in_part(street: Street) -> None:
    """The request that takes a lane has no epoch by which it could be refused: whoever it meets is fenced."""
    delayed = street.proxy.hold(Kind.INIT_PRODUCER_ID)
    again = LaneProducer(street.proxied, street.lane)
    await again.start()
    await street.commit(2, again)
    gate = street.proxy.gate(Kind.END_TXN)
    third = asyncio.create_task(street.commit(3, again))
    await gate.reached.wait()
    await delayed.arrives()
    gate.open()
    with pytest.raises(ProducerFenced):
        await third
    await again.close()
    await street.successor.start()
    await street.commit(4, street.successor)
    await street.shows(1, 2, 4)


async def slow_commit(street: Street, number: int) -> None:
    """A commit that is answered late, so that the next transaction asks for a fresh epoch."""
    gate = street.proxy.gate(Kind.END_TXN)
    committing = asyncio.create_task(street.commit(number))
    await gate.reached.wait()
    await asyncio.sleep(RETRY_BACKOFF_MS / 1000)
    gate.open()
    await committing
