"""A shop's partition is the one that Kafka's Java client gives it (contract, 1)."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from app.partitions import earlier_homes, partitioner

KNOWN = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
"""Signed hashes as Apache Kafka's own UtilsTest lists them."""


@pytest.mark.parametrize("partitions", [1, 3, 12, 997])
@pytest.mark.parametrize("shop_id", KNOWN)
def test_the_hash_is_kafkas_made_positive_by_its_mask(shop_id: str, partitions: int) -> None:
    assert partitioner(partitions)(shop_id) == (KNOWN[shop_id] & 0x7FFFFFFF) % partitions


@given(st.text(min_size=1, max_size=40), st.integers(1, 50))
def test_it_is_what_a_client_gives_for_the_same_key(shop_id: str, partitions: int) -> None:
    every = list(range(partitions))
    assert partitioner(partitions)(shop_id) == DefaultPartitioner()(shop_id.encode(), every, every)


@given(st.text(min_size=1, max_size=40), st.integers(1, 24), st.lists(st.integers(2, 4), max_size=3))
def test_wherever_a_shop_lived_before_topics_grew_is_looked_into(shop_id: str, first: int, grew_by: list[int]) -> None:
    lived, partitions = [], first
    for factor in (1, *grew_by):
        partitions *= factor
        lived.append(partitioner(partitions)(shop_id))
    assert lived == sorted(lived)
    assert set(lived) <= set(earlier_homes(shop_id, partitions))
