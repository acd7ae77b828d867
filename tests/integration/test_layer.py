"""What the exactly-once layer asks of a real broker: fencing, transactions, restore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced

from app.exactly_once import transactions
from app.exactly_once.layer import LayerSettings
from app.exactly_once.restore import restore
from app.exactly_once.transactions import LaneProducer
from app.lane_job import Emit
from app.settings import Settings
from app.worker import layer_settings
from tables.stores.memory import MemoryStore
from tests.integration.outputs import read_topic, transactions_ended
from tests.integration.town import PARTITIONS, Town, home, request

pytestmark = pytest.mark.integration

LANE = 1
CHANGELOG = TopicPartition("autorefund-orders-changelog", LANE)
INPUT = TopicPartition("after-sale-request", LANE)
ALERTS = TopicPartition("refund-alert", LANE)


@pytest.fixture
def layer(town: Town, tmp_path: Path) -> LayerSettings:
    return layer_settings(Settings(brokers=town.broker.address, data_dir=tmp_path), PARTITIONS)


@pytest.fixture
async def writers(layer: LayerSettings) -> AsyncIterator[list[LaneProducer]]:
    """Two writers of the same lane, not yet started."""
    both = [LaneProducer(layer, LANE) for _ in range(2)]
    yield both
    for writer in both:
        await writer.close()


async def restored(layer: LayerSettings, store: MemoryStore | None = None) -> tuple[MemoryStore, int]:
    await transactions_ended(layer.brokers, [CHANGELOG, ALERTS])
    store = store or MemoryStore()
    return store, await restore(layer, {CHANGELOG: store}, lambda *_: None)


def cells(**more: str) -> Mapping[str, Mapping[bytes, bytes | None]]:
    return {"orders": {key.encode(): value.encode() for key, value in more.items()}}


async def test_a_successor_fences_and_nothing_of_an_open_transaction_remains(
    town: Town, layer: LayerSettings, writers: list[LaneProducer]
) -> None:
    old, new = writers
    await old.start()
    ends = await old.commit(cells(a="1"), [Emit("refund-alert", b"k", b"1")], {INPUT: 7})
    assert ends == {"orders": 1}
    # Left open, as by a process that was killed between its writes and its commit.
    killed = AIOKafkaProducer(bootstrap_servers=layer.brokers, transactional_id=layer.transactional_id(LANE))
    await killed.start()
    await killed.begin_transaction()
    await killed.send_and_wait(CHANGELOG.topic, b"lost", key=b"a", partition=LANE)

    await new.start()
    store, read = await restored(layer)
    assert (dict(store.items()), read) == ({b"a": b"1"}, 1)
    assert await new.commit(cells(b="2"), [], {INPUT: 8}) == {"orders": 5}  # two records and two markers before it
    for stale in (old.commit(cells(c="3"), [], {INPUT: 99}), killed.commit_transaction()):
        with pytest.raises(ProducerFenced):
            await stale
    await killed.stop()
    store, read = await restored(layer, store)
    assert (dict(store.items()), read) == ({b"a": b"1", b"b": b"2"}, 1)
    assert [record.value for record in await read_topic(layer.brokers, "refund-alert", PARTITIONS)] == [b"1"]


async def test_a_fence_between_two_records_is_known_for_one(
    layer: LayerSettings, writers: list[LaneProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the second table's record when it is refused; the third finds the transaction over."""
    first, successor = writers
    await first.start()
    ship, tables = LaneProducer._ship, iter(["orders", "requests", "holds"])

    async def with_a_fence(self: LaneProducer, producer: AIOKafkaProducer, *rest: Any) -> Any:
        table = next(tables)
        if table == "requests":
            await successor.start()
        if table == "holds":
            await asyncio.wait([producer._sender.sender_task])
        return await ship(self, producer, *rest)

    monkeypatch.setattr(LaneProducer, "_ship", with_a_fence)
    with pytest.raises(ProducerFenced):
        await first.commit({table: {b"key": b"value"} for table in ("orders", "requests", "holds")}, [], {})


async def test_a_transaction_of_many_megabytes_keeps_its_order(
    layer: LayerSettings, writers: list[LaneProducer]
) -> None:
    writer = writers[0]
    await writer.start()
    puts = {"orders": {b"k%04d" % n: b"x" * 10_000 for n in range(400)}}
    emits = [Emit("refund-alert", b"%d" % n, b"y" * 10_000) for n in range(400)]
    assert await writer.commit(puts, emits, {INPUT: 1}) == {"orders": 400}
    store, _ = await restored(replace(layer, fetch_bytes_max=100_000, restore_batch_records_max=30))
    assert len(store) == 400
    read = await read_topic(layer.brokers, "refund-alert", PARTITIONS)
    assert [record.key for record in read] == [b"%d" % n for n in range(400)]


async def test_after_a_slow_step_the_next_transaction_has_a_new_epoch(
    writers: list[LaneProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def epoch() -> Any:
        return writers[0]._producer._txn_manager.producer_epoch  # type: ignore[union-attr]

    await writers[0].start()
    await writers[0].commit(cells(a="1"), [], {})
    first = epoch()
    monkeypatch.setattr(transactions, "RETRY_BACKOFF_MS", 0)  # from here on every step is a slow one
    await writers[0].commit(cells(a="2"), [], {})
    assert epoch() == first
    await writers[0].commit(cells(a="3"), [], {})
    assert epoch() > first


async def test_restore_takes_deletions_and_goes_on_where_a_store_stopped(
    layer: LayerSettings, writers: list[LaneProducer]
) -> None:
    writer = writers[0]
    await writer.start()
    await writer.commit(cells(a="1", b="2"), [], {})
    store, _ = await restored(layer)
    await writer.commit({"orders": {b"a": None, b"c": b"3"}}, [], {})
    store, read = await restored(layer, store)
    assert (dict(store.items()), read) == ({b"b": b"2", b"c": b"3"}, 2)
    assert store.position == 6
    assert (await restored(layer, store))[1] == 0


async def test_a_store_that_is_ahead_of_its_changelog_is_made_anew(
    layer: LayerSettings, writers: list[LaneProducer]
) -> None:
    await writers[0].start()
    await writers[0].commit(cells(a="1"), [], {})
    store = MemoryStore()
    store.apply({b"never": b"committed"}, 1000)
    store, _ = await restored(layer, store)
    assert dict(store.items()) == {b"a": b"1"}


async def test_what_an_upstream_took_back_is_never_decided(town: Town) -> None:
    town.worker()
    upstream = AIOKafkaProducer(bootstrap_servers=town.broker.address, transactional_id="upstream")
    await upstream.start()
    for number, commits in enumerate((False, True, False)):
        await upstream.begin_transaction()
        await upstream.send_and_wait(
            "after-sale-request", orjson.dumps(request(number)), key=b"shop-1", partition=home("shop-1")
        )
        await (upstream.commit_transaction() if commits else upstream.abort_transaction())
    await upstream.stop()
    await town.ask("last")
    assert set(await town.decisions(2)) == {"r-1:1", "r-last:1"}
