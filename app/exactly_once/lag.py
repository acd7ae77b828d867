"""How far the lanes are behind: in records, and in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from aiokafka import TopicPartition

from app.exactly_once.lane import Lane

__all__ = ["Lag", "LagWatch"]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one lane is behind."""

    records: int
    """In the inputs, and not committed yet; transaction markers are counted in, so it is an estimate."""
    seconds: float
    """The age of the oldest of them; as long as none of them is fetched: since when the lane is known to be behind."""


class Offsets(Protocol):
    """What is asked of the consumer."""

    async def bounds_of(
        self, tps: Iterable[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """First and end offsets."""

    async def positions_of(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Up to where records were handed out."""


class LagWatch:
    """Looks now and then; remembers since when a lane has been behind with nothing fetched."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        self._topics = topics
        self._behind_since: dict[int, float] = {}

    async def look(self, lanes: Mapping[int, Lane], consumer: Offsets) -> dict[int, Lag]:
        """The lag of each lane, by partition. Asks the broker."""
        if not lanes:
            return {}
        tps = [TopicPartition(topic, partition) for topic in self._topics for partition in lanes]
        _, ends = await consumer.bounds_of(tps)
        positions = await consumer.positions_of(tps)
        unfetched = dict.fromkeys(lanes, 0)
        for tp in tps:
            unfetched[tp.partition] += max(0, ends[tp] - positions[tp])
        return {
            partition: self._of(lane, unfetched[partition] + lane.waiting_records) for partition, lane in lanes.items()
        }

    def _of(self, lane: Lane, records: int) -> Lag:
        if not records:
            self._behind_since.pop(lane.partition, None)
            return Lag(0, 0.0)
        since = self._behind_since.setdefault(lane.partition, monotonic())
        oldest = lane.oldest_seconds
        if oldest is None:
            oldest = min(monotonic() - since, lane.moved_seconds_ago)
        return Lag(records, max(0.0, oldest))
