"""No record stops the lane: whatever bytes come, it is decided, remembered, ignored or buried, and the next one is heard."""

from __future__ import annotations

import gc
import json
import tracemalloc
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.lane_job import Effects, Record
from schemas.codec import KEY_BYTES_MAX, VALUE_BYTES_MAX, decode
from schemas.errors import InvalidRecord
from schemas.topics import DEAD_LETTER, LETTER_BYTES_MAX, REFUND_DECISION
from tests.corpus import MALFORMED, good_or_bad
from tests.property.lane import Driver, as_record
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
LIST_BYTES_MAX = 25_000_000
KEYS = (None, b"", b"\xff", b"shop-1", b"|", b"shop-1|s1|x", b"x" * 100_000)
PLACES = sorted({FULL[name][0]: name for name in FULL}.values())
"""One full record a topic."""
LEGIBLE_MIN = 8
"""So many of the oddities are none to a reader of JSON: blanks, repeated and unknown fields."""
GROWTH_BYTES_MAX = 1_000_000
PEAK_BYTES_MAX = 120_000_000
"""Python's objects for a megabyte of JSON take some ten times as much; of what is larger than that, nothing is parsed."""


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
    check_dead_letters(effects, key, value)
    driver.commit_quietly(effects)
    return [emit.topic for emit in effects.emits]


def check_dead_letters(effects: Effects, key: bytes | None, value: bytes | None) -> int:
    """Each is what came in, or as much of it as fits, and bears an error of one line. Returns how many there are."""
    letters = [emit for emit in effects.emits if emit.topic == DEAD_LETTER.name]
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["error"].decode().splitlines() == [headers["error"].decode()]
        size = sum(len(part or b"") for part in (letter.key, letter.value))
        if "cut" in headers:
            assert headers["cut"] == b"key of %d bytes, value of %d" % (len(key or b""), len(value or b""))
            assert (key or b"").startswith(letter.key or b"")
            assert (value or b"").startswith(letter.value or b"")
            assert VALUE_BYTES_MAX < size <= LETTER_BYTES_MAX
        else:
            assert (letter.key, letter.value) == (key, value)
        assert size + sum(len(name) + len(header) for name, header in letter.headers) < DEAD_LETTER.bytes_max - 1_000
    return len(letters)


def neighbour(driver: Driver, topic: str, value: bytes | None, key: bytes | None = b"shop-1") -> tuple[int, list[str]]:
    """The poison between two sound requests, all in one batch: how many dead letters, and what became of the two."""
    lines = []
    for number in (1, 2):
        shop = {"shop_id": f"sound-{number}"}
        lines += [
            line("strategy-config", records.config(AT, **shop), AT),
            line("order-logistics", records.logistics(AT, order_id=f"n{number}", **shop), AT),
            line("after-sale-request", records.request(AT, request_id=f"n{number}", order_id=f"n{number}", **shop), AT),
        ]
    batch = [as_record(one, driver.offset + number) for number, one in enumerate(lines)]
    batch.insert(len(lines) // 2, Record(topic, 0, driver.offset + len(lines), key, value))
    effects = driver.lane.process(batch, AT)
    number = check_dead_letters(effects, key, value)
    decisions = [json.loads(emit.value or b"") for emit in effects.emits if emit.topic == REFUND_DECISION.name]
    driver.commit_quietly(effects, len(batch))
    return number, [one["outcome"] for one in decisions if one["shop_id"].startswith("sound-")]


def is_legible(topic: str, value: bytes) -> bool:
    """Whether it can be read at all."""
    try:
        decode(topic, value)
    except InvalidRecord:
        return False
    return True


@pytest.mark.parametrize("topic", TOPICS)
def test_bytes_that_are_no_record_are_buried_as_they_came(topic: str) -> None:
    driver = Driver()
    for value in MALFORMED.values():
        for key in KEYS:
            assert "dead-letter" in swallow(driver, topic, key, value)
    still_works(driver)


@pytest.mark.parametrize("topic", TOPICS)
def test_bytes_that_are_no_record_hold_up_no_neighbour(topic: str) -> None:
    for what, value in MALFORMED.items():
        assert neighbour(Driver(), topic, value) == (1, ["auto_approve"] * 2), what


@pytest.mark.parametrize("name", PLACES)
def test_a_record_with_something_odd_is_read_or_buried_and_holds_up_no_neighbour(name: str) -> None:
    topic, record = FULL[name]
    read = 0
    for what, value in good_or_bad(record).items():
        letters, outcomes = neighbour(Driver(), topic, value)
        assert outcomes == ["auto_approve"] * 2, what
        legible = is_legible(topic, value)
        assert letters in ({0, 1} if legible else {1}), what  # a result that nobody waits for is buried, too
        read += legible
    assert read >= LEGIBLE_MIN


@pytest.mark.parametrize("key", KEYS)
def test_whatever_the_key_a_good_record_is_taken_or_buried(key: bytes | None) -> None:
    topic, record = FULL["logistics"]
    value = json.dumps(record).encode()
    letters, outcomes = neighbour(Driver(), topic, value, key)
    assert (letters, outcomes) == (int(key is not None and len(key) > KEY_BYTES_MAX), ["auto_approve"] * 2)


@pytest.mark.parametrize("topic", TOPICS)
def test_poison_leaves_nothing_behind_in_memory(topic: str) -> None:
    driver = Driver()

    def swallow_all() -> None:
        for value in MALFORMED.values():
            swallow(driver, topic, b"shop-1", value)

    swallow_all()  # what is made once and kept: regular expressions, caches
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(2):
            swallow_all()
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < GROWTH_BYTES_MAX
    assert peak - before < PEAK_BYTES_MAX


LONG_LISTS: dict[str, tuple[str, Any]] = {
    "products": ("strategy", {"product_scope": {"mode": "include", "product_ids": [0] * 99_999}}),
    "windows": ("strategy", {"execution_windows": [{"start": "01:00", "end": "02:00", "weekdays": [0] * 300}] * 1_000}),
    "order items": (
        "logistics",
        {"parcels": [{"parcel_id": "p", "order_item_ids": [0] * 300, "delivery": "waiting"}] * 1_000},
    ),
    "codes": ("request", {"risk": {"level": "normal", "codes": [0] * 1_000}}),
}


@pytest.mark.parametrize("what", LONG_LISTS)
def test_a_long_list_of_wrong_things_costs_little_more_than_a_right_one(what: str) -> None:
    """Each error has its price, and a list may be long: a reader that names them all is brought down by one record."""
    name, change = LONG_LISTS[what]
    topic, record = FULL[name]
    value = json.dumps(record | change).encode()
    assert len(value) <= VALUE_BYTES_MAX
    tracemalloc.start()
    try:
        assert swallow(Driver(), topic, b"shop-1", value)[0] == DEAD_LETTER.name
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LIST_BYTES_MAX


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
