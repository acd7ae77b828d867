"""`python -m app audit`: makes each day's spend again from decisions and results, and compares it with the table.

Workers may run meanwhile. A lane's decisions, spend cells and offsets change in one transaction, so for each lane a moment is
looked for at which none of them moves; everything is then read up to that moment, and must agree to the fen.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from aiokafka import TopicPartition

from app.errors import CommandFailed
from app.kafka.reader import KafkaReader, opened_reader
from app.ledger import Ledger, Place
from app.settings import Settings
from app.words import yuan
from schemas.cells import SpendCell, load_cell
from schemas.codec import decode
from schemas.errors import InvalidRecord
from schemas.events import RefundResult
from schemas.ids import ALL, split_key
from schemas.times import SpendDay, parse_time
from schemas.topics import FORWARDED, REFUND_DECISION, REFUND_RESULT, changelog_topic

__all__ = ["Found", "audit", "main"]

QUIET_SECONDS: Final = 0.05
"""A commit's markers reach all partitions within this time."""
MOMENTS_MAX: Final = 400
CLOCK_SLACK: Final = timedelta(hours=1)
"""Kafka's timestamps may lie so far from the decision clock."""
Ends = dict[TopicPartition, int]
Origin = tuple[int, int]
"""Partition and offset."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A result that a lane has read. `way`: the topic; `origin`: where it lay first."""

    at: int
    way: str
    origin: Origin
    result: RefundResult


@dataclass(slots=True)
class _Books:
    """By lane: its ledger, and results that its shops got in the lanes where they lived before topics grew."""

    ledgers: defaultdict[int, Ledger] = field(default_factory=lambda: defaultdict(Ledger))
    earlier: defaultdict[int, list[_Taken]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class Found:
    """What an audit says: a line for each fault, one of all, and how many decisions it read."""

    faults: tuple[str, ...]
    summary: str
    decisions: int


def main(settings: Settings, *, days: int, shop_id: str | None) -> int:
    """Audit the last `days` civil days. Prints each fault; exit code 1 where there is one."""
    found = asyncio.run(audit(settings, days, shop_id))
    for fault in found.faults:
        print(f"✘ {fault}")
    print(found.summary)
    return 1 if found.faults else 0


async def audit(settings: Settings, days: int, shop_id: str | None = None) -> Found:
    """The books of the last `days` civil days, of all shops or one. Raises CommandFailed where they cannot be read."""
    first = SpendDay.of(datetime.now(UTC)).minus(days - 1)
    faults: list[str] = []
    decisions = results = places = total = 0
    async with opened_reader(settings) as reader:
        lanes = range(reader.partitions) if shop_id is None else reader.homes(shop_id)
        books = _Books()
        for lane in lanes:  # upwards: a shop that has moved was in a lower lane before (`app/kafka/growth.py`)
            cells = await _lane(reader, lane, first, books)
            ledger = books.ledgers.pop(lane, Ledger())
            spent = {place: one for place, one in ledger.spent().items() if shop_id in {None, place[0]}}
            faults += ledger.faults
            faults += ledger.differences(cells, shop_id)
            decisions, results, places = decisions + ledger.decisions, results + ledger.results, places + len(cells)
            total += sum(
                executed + reserved for (_, strategy, _), (executed, reserved) in spent.items() if strategy != ALL
            )
    verdict = "all agree" if not faults else f"{len(faults)} faults"
    summary = (
        f"{first} to today, {len(lanes)} lanes: {decisions} decisions, {results} results, {places} spend cells, "
        f"{yuan(total)} approved and not released: {verdict}"
    )
    return Found(tuple(faults), summary, decisions)


async def _lane(reader: KafkaReader, lane: int, first: SpendDay, books: _Books) -> dict[Place, SpendCell]:
    """The lane's spend cells. Its decisions and results are entered for the lane in which their shop lives now."""
    changelog = changelog_topic(reader.settings.app_id, "daily_spend")
    ends, offsets = await _moment(reader, lane, changelog)
    since = parse_time(f"{first}T00:00:00+08:00") - CLOCK_SLACK
    of_moved: set[tuple[str, str]] = set()
    async for record in reader.read(REFUND_DECISION.name, [lane], since=since, until=ends):
        value = orjson.loads(record.value)
        if value.get("spend_day") is None or value["spend_day"] >= first:
            home = reader.home(value["shop_id"])
            books.ledgers[home].decision(value)
            if home != lane:
                of_moved.add((value["shop_id"], value["decision_id"]))
    taken, forwarded = await _results(reader, lane, since, offsets)
    here = [one for one in books.earlier.pop(lane, []) if one.origin not in forwarded]
    for one in taken:
        home = reader.home(one.result.shop_id)
        if home == lane:
            here.append(one)
        elif (one.result.shop_id, one.result.decision_id) in of_moved:
            books.earlier[home].append(one)
    for one in sorted(here, key=lambda one: one.at):
        books.ledgers[lane].result(one.result, one.way)
    cells: dict[Place, SpendCell] = {}
    async for record in reader.read(changelog, [lane], until=ends):
        shop_id, strategy_id, day, *shadow = split_key(record.key)
        if shadow or day < first or reader.home(shop_id) != lane:
            continue
        cells[shop_id, strategy_id, day] = load_cell(SpendCell, record.value) if record.value else SpendCell()
    return cells


async def _moment(reader: KafkaReader, lane: int, changelog: str) -> tuple[Ends, Ends]:
    """Ends of the outputs, and committed offsets of the inputs, at a moment at which none of them moved."""
    outputs = [TopicPartition(topic, lane) for topic in (REFUND_DECISION.name, changelog)]
    inputs = [TopicPartition(topic, lane) for topic in (REFUND_RESULT.name, FORWARDED.name)]
    before = None
    for _ in range(MOMENTS_MAX):
        now = (await reader.ends(outputs), await reader.committed(inputs))
        if now == before:
            return now
        before = now
        await asyncio.sleep(QUIET_SECONDS)
    raise CommandFailed(f"lane {lane} never rests for {QUIET_SECONDS} s: audit when there is less to do")


async def _results(
    reader: KafkaReader, lane: int, since: datetime, offsets: Mapping[TopicPartition, int]
) -> tuple[list[_Taken], set[Origin]]:
    """The results that the lane has read, and where those first lay that were forwarded to it, read already or not."""
    found: list[_Taken] = []
    forwarded: set[Origin] = set()
    for topic in (REFUND_RESULT.name, FORWARDED.name):
        async for record in reader.read(topic, [lane], since=since):
            origin = (lane, record.offset)
            if topic == FORWARDED.name:
                headers = dict(record.headers)
                if headers["topic"] != REFUND_RESULT.name.encode():
                    continue
                origin = (int(headers["partition"]), int(headers["offset"]))
                forwarded.add(origin)
            if record.offset >= offsets[TopicPartition(topic, lane)]:
                continue
            try:
                result = decode(REFUND_RESULT.name, record.value)
            except InvalidRecord:
                continue
            if isinstance(result, RefundResult):
                found.append(_Taken(record.timestamp, topic, origin, result))
    return found, forwarded
