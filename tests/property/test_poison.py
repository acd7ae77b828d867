"""No record stops the lane: whatever bytes come, it is decided, remembered, ignored or buried, and the next one is heard."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.lane_job import Record
from tests.property.lane import Driver
from tests.property.test_strictness import FULL
from tests.streams import records
from tests.streams.records import SHANGHAI, line

AT = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
TOPICS = ("after-sale-request", "strategy-config", "order-logistics", "refund-result", "buyer-list", "control")
FAR_TIMES = (
    "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999-12:00",
    "2026-11-23T10:00:60Z",
)
RAW = (
    b"",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b'"' + b"x" * 1_000_000 + b'"',
    b'{"shop_id": "\\ud800", "strategy_id": "\\udfff", "request_id": "\\ud800"}',
    b'{"shop_id": "s", "strategy_id": "\xed\xa0\x80"}',
    b'{"shop_id": "shop-1", "shop_id": 7, "strategy_id": "s1"}',
    b"1" * 5_000,
    b"1e999",
    b'{"schema_version": 1e999, "shop_id": "s", "strategy_id": "s"}',
)
KEYS = (None, b"", b"\xff", b"shop-1", b"|", b"shop-1|s1|x")


def still_works(driver: Driver) -> None:
    """After the poison, a plain request of another shop is approved."""
    shop = {"shop_id": "sound"}
    lines = [
        line("strategy-config", records.config(AT, **shop), AT),
        line("order-logistics", records.logistics(AT, **shop), AT),
        line("after-sale-request", records.request(AT, **shop), AT),
    ]
    outcomes = [each["value"]["outcome"] for each in driver.batch(lines, AT) if each["topic"] == "refund-decision"]
    assert outcomes == ["auto_approve"]


def swallow(driver: Driver, topic: str, key: bytes | None, value: bytes | None) -> list[str]:
    """The topics of what came out; the bytes of a dead letter are those that came in."""
    effects = driver.lane.process([Record(topic, 0, driver.offset, key, value)], AT)
    for emit in effects.emits:
        if emit.topic == "dead-letter":
            assert (emit.key, emit.value) == (key, value)
    driver.commit_quietly(effects)
    return [emit.topic for emit in effects.emits]


@pytest.mark.parametrize("topic", TOPICS)
def test_bytes_that_are_no_record_are_buried_as_they_came(topic: str) -> None:
    driver = Driver()
    for value in RAW:
        for key in KEYS:
            assert "dead-letter" in swallow(driver, topic, key, value)
    still_works(driver)


@pytest.mark.parametrize("name", FULL)
def test_times_at_the_ends_of_the_calendar_stop_nothing(name: str) -> None:
    topic, record = FULL[name]
    driver = Driver()
    for field in record:
        for far in FAR_TIMES:
            if str(record[field]).startswith("2026-"):
                swallow(driver, topic, b"shop-1", json.dumps(record | {field: far}).encode())
    still_works(driver)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_garbage_in_any_field_stops_nothing(data: Any) -> None:
    driver = Driver()
    for _ in range(5):
        topic, record = FULL[data.draw(st.sampled_from(sorted(FULL)))]
        field = data.draw(st.sampled_from(sorted(record)))
        swallow(driver, topic, b"shop-1", json.dumps(record | {field: data.draw(JSON)}).encode())
    still_works(driver)


@settings(max_examples=150, deadline=None)
@given(topic=st.sampled_from(TOPICS), key=st.none() | st.binary(max_size=9), value=st.none() | st.binary(max_size=40))
def test_any_bytes_stop_nothing(topic: str, key: bytes | None, value: bytes | None) -> None:
    driver = Driver()
    swallow(driver, topic, key, value)
    still_works(driver)
