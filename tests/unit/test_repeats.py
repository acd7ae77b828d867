"""What a library repeats is heard a few times, and counted."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from app.repeats import KINDS_MAX, REPEAT_SECONDS, REPEATS_MAX, Repeats


@pytest.fixture
def repeats() -> Repeats:
    return Repeats(["aiokafka"])


def line(message: str, *values: Any, at: float = 0.0, logger: str = "aiokafka.conn") -> logging.LogRecord:
    record = logging.LogRecord(logger, logging.ERROR, "file", 1, message, values, None)
    record.created = at
    return record


def passed(repeats: Repeats, number: int, **where: Any) -> int:
    return sum(repeats.filter(line("node %d is away", n, **where)) for n in range(number))


def test_the_same_line_passes_a_few_times_whatever_its_values(repeats: Repeats) -> None:
    assert passed(repeats, 100) == REPEATS_MAX


def test_how_many_did_not_pass_is_said_with_the_next_that_does(repeats: Repeats) -> None:
    passed(repeats, 100)
    later = line("node %d is away", 1, at=REPEAT_SECONDS)
    assert repeats.filter(later)
    assert later.getMessage() == "node 1 is away [95 more like this before]"
    assert passed(repeats, 100, at=REPEAT_SECONDS + 1) == REPEATS_MAX - 1


def test_where_nothing_was_left_out_nothing_is_said(repeats: Repeats) -> None:
    passed(repeats, REPEATS_MAX)
    later = line("node %d is away", 1, at=REPEAT_SECONDS)
    assert repeats.filter(later)
    assert later.getMessage() == "node 1 is away"


def test_other_lines_and_our_own_pass(repeats: Repeats) -> None:
    passed(repeats, 100)
    assert repeats.filter(line("node %d is back", 1))
    assert passed(repeats, 100, logger="app.worker") == 100
    assert passed(repeats, 100, logger="aiokafka2") == 100


def test_what_is_counted_is_bounded(repeats: Repeats) -> None:
    for number in range(3 * KINDS_MAX):
        assert repeats.filter(line(f"a text of its own: {number}"))
    assert len(repeats._seen) <= KINDS_MAX
