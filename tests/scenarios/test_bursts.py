"""contract, 3, dead_letter_burst: more than 100 dead letters in a minute (edge inclusive), at most one alert in ten minutes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from tests.property.engines import ENGINES
from tests.scenarios.words import when
from tests.streams.records import stamp

Json = dict[str, Any]
START = when("10:00")


def bad_at(offsets_ms: Iterable[int]) -> list[Json]:
    return [
        {"topic": "order-logistics", "key": "shop-1", "raw": "{", "at": stamp(START + timedelta(milliseconds=ms))}
        for ms in offsets_ms
    ]


def alerts_of(engine: str, lines: list[Json]) -> list[int]:
    """The numbers of the lines (from 1) that raised the alert."""
    outputs = ENGINES[engine](lines)
    raised = []
    for number, came in enumerate(outputs, 1):
        found = [each["value"] for each in came if each["topic"] == "refund-alert"]
        assert all((each["kind"], each["shop_id"]) == ("dead_letter_burst", "*") for each in found)
        raised += [number] * len(found)
    return raised


@pytest.mark.parametrize("engine", ENGINES)
def test_a_hundred_in_a_minute_are_no_burst_and_one_more_is(engine: str) -> None:
    assert alerts_of(engine, bad_at(range(100))) == []
    assert alerts_of(engine, bad_at(range(101))) == [101]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_minute_includes_its_edge(engine: str) -> None:
    assert alerts_of(engine, bad_at([0] + [60_000] * 100)) == [101]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_millisecond_more_is_outside_the_minute(engine: str) -> None:
    assert alerts_of(engine, bad_at([0] + [60_001] * 100)) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_it_alerts_again_ten_minutes_later_and_not_before(engine: str) -> None:
    first, quiet, again = [0] * 101, [599_999] * 101, [600_000]
    assert alerts_of(engine, bad_at(first + quiet + again)) == [101, 203]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_burst_that_goes_on_alerts_once_in_ten_minutes(engine: str) -> None:
    every_half_second = range(0, 700_000, 500)
    assert alerts_of(engine, bad_at(every_half_second)) == [101, 101 + 1200]
