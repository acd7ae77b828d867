"""What the lanes ask of the consumer; tests give a consumer that remembers what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from aiokafka import TopicPartition

__all__ = ["Flow"]


class Flow(Protocol):
    """What the lanes ask of the consumer."""

    async def begin_epoch(self, epoch: int, positions: Mapping[TopicPartition, int]) -> None:
        """Seek all partitions; what is fetched from now on bears `epoch`."""

    async def bounds_of(
        self, tps: Iterable[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """First and end offsets."""

    async def positions_of(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Up to where records were handed out."""

    def pause_partitions(self, tps: Iterable[TopicPartition]) -> None:
        """Hand out nothing of these."""

    def resume_partitions(self, tps: Iterable[TopicPartition]) -> None:
        """Hand these out again."""
