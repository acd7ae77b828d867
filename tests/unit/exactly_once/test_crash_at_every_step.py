"""A batch's life, stopped before and after every call, started again: what readers see is as if nothing had happened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import orjson
import pytest
from aiokafka import TopicPartition

from app.exactly_once.lane import Fetched, Lane
from app.exactly_once.layer import LayerSettings, SilentObserver
from app.exactly_once.pace import Turn
from app.lane_job import Effects, LaneJob, Record
from app.processor import Rules, processor_factory
from schemas.topics import TABLES
from tests import builders
from tests.builders import AT
from tests.unit.exactly_once.model_kafka import Crash, ModelKafka, ModelWriter, SteppedStore, Steps

SETTINGS = LayerSettings(
    brokers="nowhere:9",
    app_id="app",
    partitions=1,
    control_plane_topics=("strategy-config",),
    forwarded_topic="autorefund-forwarded",
    other_topics=("after-sale-request",),
    tables=TABLES,
    batch_records_max=5,
)
OUTPUTS = ("refund-decision", "refund-alert", "dead-letter", "autorefund-forwarded")


def workload() -> list[Record]:
    """Strategies, orders, requests of every fate, results, edits, repeats, bad bytes, in one order."""
    told: list[tuple[str, object]] = [("strategy-config", builders.strategy_value(daily_cap_fen=1200))]
    told += [("order-logistics", builders.logistics_value(order_id=f"o-{number}")) for number in range(6)]
    for number in range(8):
        asked = builders.request_value(request_id=f"r-{number}", order_id=f"o-{number}", amount_fen=100 * (number + 1))
        told += [("after-sale-request", asked), ("after-sale-request", asked)]
    told += [
        ("refund-result", builders.result_value(decision_id="r-1:1", amount_fen=200)),
        ("refund-result", builders.result_value(decision_id="r-2:1", status="failed", amount_fen=300)),
        ("after-sale-request", builders.request_value(request_id="r-2", order_id="o-2", request_version=2)),
        ("order-logistics", builders.logistics_value(order_id="o-6")),
        ("after-sale-request", b"{bad"),
        ("after-sale-request", builders.request_value(request_id="again", order_id="o-1")),
        ("after-sale-request", builders.request_value(request_id="r-7", order_id="o-7", request_version=2)),
        ("after-sale-request", builders.request_value(request_id="z", shop_id="elsewhere")),
        ("refund-result", builders.result_value(decision_id="r-0:1", amount_fen=40)),
    ]
    ends: dict[str, int] = {}
    records = []
    for topic, value in told:
        raw = value if isinstance(value, bytes) else orjson.dumps(value)
        records.append(Record(topic, 0, ends.setdefault(topic, 0), b"k", raw))
        ends[topic] += 1
    return records


class SteppedJob:
    """The processor, with a step before and after each call."""

    def __init__(self, job: LaneJob, steps: Steps) -> None:
        self._job = job
        self._steps = steps

    def process(self, records: Sequence[Record], now: datetime) -> Effects:
        self._steps.at("before process")
        effects = self._job.process(records, now)
        self._steps.at("after process")
        return effects

    def committed(self) -> None:
        self._steps.at("before committed")
        self._job.committed()
        self._steps.at("after committed")

    def aborted(self) -> None:
        self._job.aborted()

    def next_due(self) -> datetime | None:
        return None  # holds end by logistics here, not by a clock


class World:
    """A broker, stores on a disk, and one life of a worker after another."""

    def __init__(self, *, disk: bool) -> None:
        self.kafka = ModelKafka()
        self._disk = disk
        self._stores = {name: SteppedStore(name) for name in TABLES}

    async def live(self, records: Sequence[Record], steps: Steps) -> None:
        """Fence, restore, read offsets, work everything off. Raises Crash where `steps` says so."""
        if not self._disk:
            self._stores = {name: SteppedStore(name) for name in TABLES}
        writer = ModelWriter(self.kafka, steps)
        await writer.start()
        for name, store in self._stores.items():
            store.steps = Steps()
            self.kafka.restore(SETTINGS.changelog(name), store)
            store.steps = steps
        open_job = processor_factory(lambda shop_id: int(shop_id == "elsewhere"), Rules())
        lane = Lane(
            0,
            job=SteppedJob(open_job(0, self._stores), steps),
            stores=self._stores,
            writer=writer,
            positions={tp: self.kafka.offsets.get(tp, 0) for tp in {TopicPartition(one.topic, 0) for one in records}},
            settings=SETTINGS,
            clock=lambda: AT,
            observer=SilentObserver(),
            turn=Turn(),
        )
        for one in records:
            lane.offer(Fetched.of(TopicPartition(one.topic, 0), (one,)))
        working = asyncio.create_task(lane.run())
        while lane.waiting_records and not working.done():
            await asyncio.sleep(0)
        working.cancel()
        crash = (await asyncio.gather(working, return_exceptions=True))[0]
        if isinstance(crash, BaseException) and not isinstance(crash, asyncio.CancelledError):
            raise crash

    def seen(self) -> dict[str, object]:
        """What anybody can see: committed outputs in order, tables, offsets; and that the stores agree with the tables."""
        tables = {name: self.kafka.table(SETTINGS.changelog(name)) for name in TABLES}
        assert {name: dict(store.items()) for name, store in self._stores.items()} == tables
        return {topic: self.kafka.committed(topic) for topic in OUTPUTS} | {"tables": tables, "at": self.kafka.offsets}


async def undisturbed() -> tuple[dict[str, object], list[str]]:
    world, steps = World(disk=False), Steps()
    await world.live(workload(), steps)
    return world.seen(), steps.seen


async def test_the_undisturbed_life_does_something_of_everything() -> None:
    seen, steps = await undisturbed()
    assert {topic for topic in OUTPUTS if seen[topic]} == {*OUTPUTS}
    assert len(steps) > 100
    decisions = [orjson.loads(value) for _, value in seen["refund-decision"]]  # type: ignore[attr-defined]
    assert {one["reasons"][0] for one in decisions} >= {"approved", "daily_cap_reached", "item_already_refunded"}


@pytest.mark.parametrize("disk", [False, True], ids=["memory", "disk"])
async def test_a_crash_at_any_step_changes_nothing_that_can_be_seen(disk: bool) -> None:
    expected, steps = await undisturbed()
    for crash_at, what in enumerate(steps):
        world = World(disk=disk)
        with pytest.raises(Crash, match=what):
            await world.live(workload(), Steps(crash_at))
        await world.live(workload(), Steps())
        assert world.seen() == expected, f"after a crash at step {crash_at}: {what}"


async def test_two_crashes_in_a_row_change_nothing_either() -> None:
    expected, steps = await undisturbed()
    for first in range(0, len(steps), 7):
        for second in range(0, len(steps) // 3, 11):
            world = World(disk=True)
            for crash_at in (first, second):
                try:
                    await world.live(workload(), Steps(crash_at))
                except Crash:
                    continue
            await world.live(workload(), Steps())
            assert world.seen() == expected, (first, second)
