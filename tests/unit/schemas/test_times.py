"""RFC 3339 in, China's time inside (contract, 1); the civil day in Asia/Shanghai (domain [5])."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import SHANGHAI, SpendDay, format_time, from_micros, parse_time, to_micros

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(minutes * MINUTE))
instants = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001 - bounds
of_this_era = st.datetimes(datetime(1992, 1, 1), datetime(2100, 12, 31), timezones=offsets)  # noqa: DTZ001 - bounds
TODAY = SpendDay("2026-11-23")


@given(instants)
def test_a_time_written_by_us_is_read_as_the_same_instant(at: datetime) -> None:
    assert parse_time(format_time(at)) == at


@given(instants)
def test_a_time_of_any_offset_is_read_as_the_same_instant(at: datetime) -> None:
    read = parse_time(at.isoformat())
    assert read == at
    assert read.tzinfo is SHANGHAI


def test_an_aware_datetime_is_taken_as_it_is() -> None:
    at = datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert parse_time(at) == at
    assert parse_time(at).tzinfo is SHANGHAI


@given(instants)
def test_microseconds_since_the_epoch_are_exact(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-23T02:00:00Z", "2026-11-23T10:00:00.000+08:00"),
        ("2026-11-23t02:00:00z", "2026-11-23T10:00:00.000+08:00"),
        ("2026-11-22T21:00:00-05:00", "2026-11-23T10:00:00.000+08:00"),
        ("2026-11-23T02:00:00-00:00", "2026-11-23T10:00:00.000+08:00"),
        ("2026-11-23T10:00:00.1+08:00", "2026-11-23T10:00:00.100+08:00"),
        ("2026-11-23T10:00:00.123456+08:00", "2026-11-23T10:00:00.123456+08:00"),
        ("2026-11-23T10:00:00.1239999+08:00", "2026-11-23T10:00:00.123999+08:00"),
        ("2024-02-29T10:00:00+08:00", "2024-02-29T10:00:00.000+08:00"),
    ],
)
def test_the_forms_of_rfc_3339_are_read(text: str, same: str) -> None:
    assert format_time(parse_time(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00Z",
        "2026-11-23 10:00:00Z",
        "20261123T100000Z",
        "2026-W48-1T10:00:00Z",
        "2026-327T10:00:00Z",
        "2026-11-23T10:00:00+0800",
        "2026-11-23T10:00:00+08",
        "2026-11-23T10:00:00+08:60",
        "2026-11-23T10:00:00+24:00",
        "2026-11-23T10:00:00,5Z",
        "2026-11-23T10:00:00.Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T23:60:00Z",
        "2026-11-23T23:59:60Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "0000-01-01T10:00:00Z",
        "0001-01-01T00:00:00+08:01",
        "9999-12-31T16:00:00Z",
        "２０２６-11-23T10:00:00Z",
        " 2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00Z\n",
        None,
        1795399200,
        1795399200.5,
        True,
        b"2026-11-23T10:00:00Z",
        date(2026, 11, 23),
        datetime(2026, 11, 23, 10),  # noqa: DTZ001 - a naive one is refused
    ],
)
def test_anything_else_is_no_time(text: Any) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|outside|must be|out of range|offset|isoformat|year|month|day"):
        parse_time(text)


@given(st.text())
def test_a_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        parse_time(text)
    except ValueError:
        return
    assert "T" in text.upper()


@given(of_this_era)
def test_the_fixed_offset_is_asia_shanghai(at: datetime) -> None:
    assert at.astimezone(SHANGHAI).replace(tzinfo=None) == at.astimezone(ZONE).replace(tzinfo=None)
    assert SpendDay.of(at) == at.astimezone(ZONE).date().isoformat()


def test_a_day_begins_at_midnight_in_china_and_ends_before_the_next() -> None:
    midnight = datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert SpendDay.of(midnight) == "2026-11-23"
    assert SpendDay.of(midnight - timedelta(microseconds=1)) == "2026-11-22"


@given(st.dates(date(2, 1, 1)), st.integers(0, 366))
def test_days_are_counted_back_through_months_and_years(day: date, days: int) -> None:
    assert SpendDay(day.isoformat()).minus(days) == (day - timedelta(days=days)).isoformat()


@given(st.dates(), st.dates())
def test_days_sort_as_days_do(left: date, right: date) -> None:
    assert (SpendDay(left.isoformat()) < SpendDay(right.isoformat())) == (left < right)


@pytest.mark.parametrize(
    "text", ["", "20261123", "2026-W48-1", "2026-327", "2026-2-3", "2026-02-30", "2026-11-23T", "２０２６-11-23"]
)
def test_only_a_day_is_a_spend_day(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a day|isoformat|day is out of range"):
        SpendDay(text)


def test_a_spend_day_is_a_plain_text_to_everybody_else() -> None:
    assert TODAY == "2026-11-23"
    assert hash(TODAY) == hash("2026-11-23")
    assert {"2026-11-23": 1}[TODAY] == 1
