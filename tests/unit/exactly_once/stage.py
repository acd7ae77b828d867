"""Hand-made neighbours of a lane: a job that echoes, a writer that does as it is told, an observer that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition

from app.exactly_once.lane import Fetched
from app.exactly_once.layer import Ages, LayerSettings
from app.lane_job import Effects, Emit, Record
from tests.builders import AT

__all__ = ["TOPIC", "EchoJob", "Notes", "ToldWriter", "fetched", "layer", "until"]

TOPIC = "requests"
WAIT_SECONDS_MAX = 2.0


def layer(**change: Any) -> LayerSettings:
    """Settings of a layer with one table and one topic of each kind."""
    plain: dict[str, Any] = {
        "brokers": "nowhere:9",
        "app_id": "app",
        "partitions": 2,
        "control_plane_topics": ("rules",),
        "forwarded_topic": "forwarded",
        "other_topics": (TOPIC,),
        "tables": ("echoes",),
    }
    return LayerSettings(**(plain | change))


def fetched(first: int, number: int, topic: str = TOPIC, partition: int = 0) -> Fetched:
    """Records `first`, `first` + 1, ... of one fetch; three bytes each, as long as the offset has one digit."""
    records = tuple(Record(topic, partition, first + n, b"k%d" % (first + n), b"v") for n in range(number))
    return Fetched.of(TopicPartition(topic, partition), records)


class EchoJob:
    """Writes a cell and an output for each record."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.log: list[str] = []
        self.due: datetime | None = None
        self.breaks: Exception | None = None

    def process(self, records: Sequence[Record], now: datetime) -> Effects:
        self.log.append("process")
        if self.breaks:
            raise self.breaks
        self.batches.append([record.offset for record in records])
        if self.due is not None and self.due <= now:
            self.due = None
        puts = {"echoes": {record.key or b"": record.value for record in records}}
        return Effects(puts if records else {}, [Emit("out", record.key, record.value) for record in records])

    def committed(self) -> None:
        self.log.append("committed")

    def aborted(self) -> None:
        self.log.append("aborted")

    def next_due(self) -> datetime | None:
        return self.due


@dataclass
class ToldWriter:
    """Remembers what was committed. `fails`: raised by the next commit; `gate`: each commit waits for it."""

    fails: Exception | None = None
    gate: asyncio.Event | None = None
    order: list[str] = field(default_factory=list)
    commits: list[tuple[dict[str, Any], list[Emit], dict[TopicPartition, int]]] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.order.append("start")

    async def commit(
        self, puts: Mapping[str, Any], emits: Iterable[Emit], offsets: Mapping[TopicPartition, int]
    ) -> Mapping[str, int]:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        self.commits.append((dict(puts), list(emits), dict(offsets)))
        return dict.fromkeys(puts, 100 * len(self.commits))

    async def close(self) -> None:
        self.order.append("close")


@dataclass
class Notes:
    """An observer: what happened, in order."""

    lines: list[str] = field(default_factory=list)
    records: int = 0

    def committed(self, partition: int, *, seconds: float, ages: Ages, effects: Effects) -> None:
        self.records += sum(map(len, ages.values()))
        self.lines.append(f"committed {partition}")

    def aborted(self, partition: int) -> None:
        self.lines.append(f"aborted {partition}")

    def fenced(self, partition: int) -> None:
        self.lines.append(f"fenced {partition}")

    def restored(self, *, partitions: int, records: int, seconds: float) -> None:
        self.lines.append(f"restored {partitions} {records}")

    def lane_lost(self, partition: int) -> None:
        self.lines.append(f"lost {partition}")


async def until(what: Any) -> None:
    """Until `what()` is true."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not what():
            await asyncio.sleep(0)


def clock() -> datetime:
    """It stands still."""
    return AT
