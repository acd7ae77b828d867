"""Which partition a shop lives in: Kafka's default partitioner, as the Java client does it (contract, 1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from aiokafka.partitioner import murmur2

__all__ = ["SHOPS_REMEMBERED_MAX", "earlier_homes", "partitioner"]

SHOPS_REMEMBERED_MAX: Final = 100_000
"""Shops whose partition is remembered: the hash is computed in Python, for each record otherwise."""
POSITIVE: Final = 0x7FFFFFFF


def partitioner(partitions: int) -> Callable[[str], int]:
    """The function from a shop_id to its partition, of `partitions`."""

    @lru_cache(maxsize=SHOPS_REMEMBERED_MAX)
    def partition_of(shop_id: str) -> int:
        return (int(murmur2(shop_id.encode())) & POSITIVE) % partitions

    return partition_of


def earlier_homes(shop_id: str, partitions: int) -> list[int]:
    """Where records of the shop may lie, when there are `partitions`: today's partition, and those before topics grew.

    Topics grow to a multiple (`app/kafka/growth.py`), so each earlier number divides today's.
    """
    home = partitioner(partitions)(shop_id)
    return sorted({home % number for number in range(1, partitions + 1) if partitions % number == 0})
