"""Reads whole topics, committed records only, and holds them against what was sent."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from app.partitions import partitioner
from schemas.cells import SpendCell, load_cell
from schemas.ids import split_key
from schemas.topics import DEAD_LETTER, REFUND_DECISION, changelog_topic
from tests.integration.traffic import Sent, Traffic

__all__ = ["Report", "examine", "produce", "read_topic", "settled", "transactions_ended"]

MARKER_SECONDS_MAX = 10.0
SETTLE_SECONDS_MAX = 90.0
SETTLE_POLL_SECONDS = 0.5


async def produce(brokers: str, records: list[Sent], partitions: int, per_second: float | None = None) -> None:
    """Send all, in order, each to its shop's partition or, where it is misplaced, to the next one."""
    home = partitioner(partitions)
    producer = AIOKafkaProducer(bootstrap_servers=brokers, linger_ms=2, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        started, futures = monotonic(), []
        for number, sent in enumerate(records):
            partition = (home(sent.shop_id) + sent.misplaced) % partitions
            futures.append(await producer.send(sent.topic, sent.value, key=sent.key, partition=partition))
            if per_second:
                ahead = started + number / per_second - monotonic()
                if ahead > 0:
                    await asyncio.sleep(ahead)
        await producer.flush()
        for future in futures:
            await future
    finally:
        await producer.stop()


async def read_topic(
    brokers: str, topic: str, partitions: int, *, isolation_level: str = "read_committed"
) -> list[ConsumerRecord]:
    """All committed records of a topic; with read_uncommitted those of aborted transactions too."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, isolation_level=isolation_level, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def transactions_ended(brokers: str, tps: list[TopicPartition]) -> None:
    """Until no transaction is open in these partitions: a commit returns before its markers are in all of them."""
    committed = AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_committed")
    written = AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_uncommitted")
    await committed.start()
    await written.start()
    try:
        async with asyncio.timeout(MARKER_SECONDS_MAX):
            while await committed.end_offsets(tps) != await written.end_offsets(tps):
                await asyncio.sleep(0.02)
    finally:
        await committed.stop()
        await written.stop()


@dataclass(slots=True)
class Report:
    """What was found; everything but `decided` and `reasons` should be empty."""

    decided: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)
    twice: dict[str, int] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    spend_differs: dict[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    over_cap: list[dict[str, Any]] = field(default_factory=list)
    chain_broken: list[dict[str, Any]] = field(default_factory=list)
    bad_missing: int = 0
    bad_twice: int = 0

    @property
    def faults(self) -> dict[str, Any]:
        """Whatever is wrong."""
        return {
            name: value
            for name in (
                "missing",
                "twice",
                "strangers",
                "spend_differs",
                "over_cap",
                "chain_broken",
                "bad_missing",
                "bad_twice",
            )
            if (value := getattr(self, name))
        }


async def examine(brokers: str, traffic: Traffic, app_id: str, partitions: int) -> Report:
    """Hold all outputs and the spend cells against the traffic."""
    report = Report()
    decisions = [orjson.loads(record.value) for record in await read_topic(brokers, REFUND_DECISION.name, partitions)]
    count = Counter(decision["decision_id"] for decision in decisions)
    report.decided = len(count)
    report.reasons = Counter(decision["reasons"][0] for decision in decisions)
    report.missing = traffic.pending - count.keys()
    report.strangers = count.keys() - traffic.pending
    report.twice = {one: number for one, number in count.items() if number > 1}
    spent: dict[tuple[str, ...], int] = defaultdict(int)
    for decision in decisions:
        if "strategy_id" not in decision:
            continue
        place = (decision["shop_id"], decision["strategy_id"], decision["spend_day"])
        if spent[place] != decision["spent_before_fen"]:
            report.chain_broken.append(decision)
        if decision["outcome"] == "auto_approve":
            spent[place] += decision["amount_fen"]
        if spent[place] > traffic.caps[place[:2]]:
            report.over_cap.append(decision)
    cells: dict[tuple[str, ...], int] = {}
    for record in await read_topic(brokers, changelog_topic(app_id, "daily_spend"), partitions):
        place = split_key(record.key)
        if place[1] != "*":
            cells[place] = load_cell(SpendCell, record.value).spent.fen if record.value else 0
    places = {place for place in spent.keys() | cells.keys() if spent.get(place, 0) != cells.get(place, 0)}
    report.spend_differs = {place: (spent.get(place, 0), cells.get(place, 0)) for place in places}
    bad = Counter(record.value for record in await read_topic(brokers, DEAD_LETTER.name, partitions))
    report.bad_missing = len(traffic.bad - bad.keys())
    report.bad_twice = sum(number > 1 for number in bad.values())
    return report


async def settled(brokers: str, traffic: Traffic, app_id: str, partitions: int) -> Report:
    """The report once all is decided, or at the deadline."""
    until = monotonic() + SETTLE_SECONDS_MAX
    while True:
        report = await examine(brokers, traffic, app_id, partitions)
        if not report.missing or monotonic() > until:
            return report
        await asyncio.sleep(SETTLE_POLL_SECONDS)
