"""Execution windows: [start, end) in China's time, by the time of applying (domain [7, 8, 60])."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.windows import describe, inside
from schemas.events.strategies import ExecutionWindow
from schemas.times import SHANGHAI

MON, SAT, SUN = 23, 28, 29
"""Days of November 2026."""


def at(day: int, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day:02d}T{clock}+08:00")


def window(start: str, end: str, weekdays: list[int] | None = None) -> ExecutionWindow:
    return ExecutionWindow(start=start, end=end, weekdays=weekdays)


def test_no_window_is_all_day() -> None:
    assert inside([], at(MON, "03:00:00"))


@pytest.mark.parametrize(
    ("start", "end", "clock", "open_"),
    [
        ("08:00", "20:00", "08:00:00", True),
        ("08:00", "20:00", "07:59:59.999999", False),
        ("08:00", "20:00", "19:59:59.999999", True),
        ("08:00", "20:00", "20:00:00", False),
        ("00:00", "24:00", "23:59:59.999999", True),
        ("00:00", "24:00", "00:00:00", True),
        ("22:00", "06:00", "22:00:00", True),
        ("22:00", "06:00", "23:59:59", True),
        ("22:00", "06:00", "00:00:00", True),
        ("22:00", "06:00", "05:59:59.999999", True),
        ("22:00", "06:00", "06:00:00", False),
        ("22:00", "06:00", "21:59:59", False),
        ("22:00", "00:00", "23:59:59", True),
        ("22:00", "00:00", "00:00:00", False),
    ],
)
def test_a_window_has_its_start_and_not_its_end_8(start: str, end: str, clock: str, open_: bool) -> None:
    assert inside([window(start, end)], at(MON, clock)) == open_


@pytest.mark.parametrize(
    ("weekdays", "when", "open_"),
    [
        ([1], at(MON, "23:00:00"), True),
        ([1], at(MON + 1, "05:00:00"), True),
        ([1], at(MON, "05:00:00"), False),
        ([7], at(MON, "05:00:00"), True),
        ([7], at(SUN, "05:00:00"), False),
        ([7], at(SUN, "23:00:00"), True),
        ([6], at(SUN, "05:59:59"), True),
        ([6], at(SAT, "05:00:00"), False),
        ([1, 1, 2], at(MON + 1, "23:00:00"), True),
        ([], at(MON, "23:00:00"), False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_starts_on_8(
    weekdays: list[int], when: datetime, open_: bool
) -> None:
    assert inside([window("22:00", "06:00", weekdays)], when) == open_


@pytest.mark.parametrize(("day", "open_"), [(MON, True), (SUN, False)])
def test_weekday_1_is_monday_60(day: int, open_: bool) -> None:
    assert inside([window("08:00", "20:00", [1])], at(day, "12:00:00")) == open_


def test_one_open_window_is_enough() -> None:
    assert inside([window("01:00", "02:00"), window("09:00", "11:00")], at(MON, "10:00:00"))


def test_the_hour_is_chinas_whatever_the_offset() -> None:
    assert inside([window("10:00", "10:01")], datetime(2026, 11, 23, 2, 0, 30, tzinfo=UTC))


def test_the_first_night_there_is_has_a_day_before_it_too() -> None:
    """A sender may write the year 1; it must not stop the worker."""
    assert inside([window("22:00", "06:00", [7])], datetime(1, 1, 1, tzinfo=SHANGHAI))


clocks = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02d}:{minute % 60:02d}")
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - bounds
    lambda naive: naive.replace(tzinfo=SHANGHAI)
)


@given(clocks, clocks, st.none() | st.lists(st.integers(1, 7)), instants)
def test_a_window_is_the_sum_of_its_nights(start: str, end: str, weekdays: list[int] | None, when: datetime) -> None:
    if start == end:
        return
    one = window(start, end, weekdays)
    length = timedelta(minutes=(one.end_minute - one.start_minute) % 1440)
    nights = []
    for ago in (0, 1):
        opens = when.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=ago)
        opens += timedelta(minutes=one.start_minute)
        nights.append((weekdays is None or opens.isoweekday() in weekdays) and opens <= when < opens + length)
    assert inside([one], when) == any(nights)


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        ([], "all day"),
        ([window("08:00", "24:00")], "08:00-24:00"),
        (
            [window("22:00", "06:00", [5, 1, 1]), window("08:00", "09:00", [])],
            "22:00-06:00 on [1, 5], 08:00-09:00 on []",
        ),
    ],
)
def test_windows_are_told_in_one_line(windows: list[Any], told: str) -> None:
    assert describe(windows) == told
