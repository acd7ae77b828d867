"""Which partition a shop lives in: Kafka's default partitioner, as the Java client does it (contract, 1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from aiokafka.partitioner import murmur2

__all__ = ["SHOPS_REMEMBERED_MAX", "partitioner"]

SHOPS_REMEMBERED_MAX: Final = 100_000
"""Shops whose partition is remembered: the hash is computed in Python, for each record otherwise."""
POSITIVE: Final = 0x7FFFFFFF


def partitioner(partitions: int) -> Callable[[str], int]:
    """The function from a shop_id to its partition, of `partitions`."""

    @lru_cache(maxsize=SHOPS_REMEMBERED_MAX)
    def partition_of(shop_id: str) -> int:
        return (int(murmur2(shop_id.encode())) & POSITIVE) % partitions

    return partition_of
