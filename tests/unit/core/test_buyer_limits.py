"""Buyer limits: approvals of one buyer in one shop, today and in the last 30 civil days (domain [29, 37])."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.buyer_limits import BUYER_DAYS, blocked, breach, counted
from schemas.cells import BuyerCell
from schemas.events.strategies import BuyerLimits
from schemas.money import Money
from schemas.times import SpendDay, from_micros
from tests.builders import AT_MICROS

TODAY = SpendDay("2026-11-23")
OLDEST = TODAY.minus(29)


@pytest.mark.parametrize(
    ("days", "limits", "amount", "told"),
    [
        ({}, {}, 500, None),
        ({TODAY: (9, 9000)}, {}, 500, None),
        ({TODAY: (1, 500)}, {"max_per_day": 2}, 500, None),
        ({TODAY: (2, 1000)}, {"max_per_day": 2}, 500, "2 today, at most 2"),
        ({}, {"max_per_day": 0}, 500, "0 today, at most 0"),
        ({TODAY.minus(1): (9, 4500)}, {"max_per_day": 1}, 500, None),
        ({TODAY: (1, 500), OLDEST: (1, 500)}, {"max_per_30_days": 3}, 500, None),
        ({TODAY: (1, 500), OLDEST: (2, 500)}, {"max_per_30_days": 3}, 500, "3 in 30 days, at most 3"),
        ({TODAY.minus(30): (9, 4500)}, {"max_per_30_days": 1}, 500, None),
        ({OLDEST: (1, 500)}, {"max_amount_per_30_days_fen": 1000}, 500, None),
        ({OLDEST: (1, 501)}, {"max_amount_per_30_days_fen": 1000}, 500, "501 fen in 30 days, at most 1000"),
        ({TODAY.minus(30): (1, 9000)}, {"max_amount_per_30_days_fen": 1000}, 500, None),
        ({}, {"max_amount_per_30_days_fen": 499}, 500, "0 fen in 30 days, at most 499"),
    ],
)
def test_a_limit_says_when_one_more_would_exceed_it_37(
    days: dict[str, tuple[int, int]], limits: dict[str, Any], amount: int, told: str | None
) -> None:
    cell = BuyerCell(days={str(day): spent for day, spent in days.items()})
    assert breach(cell, BuyerLimits.model_validate(limits), Money(amount), TODAY) == told


def test_without_limits_nobody_is_limited() -> None:
    assert breach(BuyerCell(days={str(TODAY): (999, 10**9)}), None, Money(500), TODAY) is None


def test_an_approval_is_counted_in_its_day() -> None:
    once = counted(BuyerCell(), Money(500), TODAY)
    twice = counted(once, Money(300), TODAY)
    assert twice.days == {"2026-11-23": (2, 800)}


def test_days_that_no_limit_asks_for_are_forgotten() -> None:
    cell = BuyerCell(days={str(OLDEST): (1, 1), str(TODAY.minus(30)): (1, 1)})
    assert counted(cell, Money(500), TODAY).days.keys() == {str(OLDEST), str(TODAY)}


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 2000)), max_size=40))
def test_forgetting_never_changes_what_a_limit_says(history: list[tuple[int, int]]) -> None:
    cell, spent = BuyerCell(), []
    for ago, amount in sorted(history, reverse=True):
        cell = counted(cell, Money(amount), TODAY.minus(ago))
        spent.append((ago, amount))
    inside = [amount for ago, amount in spent if ago < BUYER_DAYS]
    limits = BuyerLimits(max_per_30_days=len(inside))
    assert breach(cell, limits, Money(1), TODAY) == f"{len(inside)} in 30 days, at most {len(inside)}"
    roomy = BuyerLimits(max_per_30_days=len(inside) + 1, max_amount_per_30_days_fen=Money(sum(inside) + 1))
    assert breach(cell, roomy, Money(1), TODAY) is None


def test_counting_keeps_the_block() -> None:
    assert counted(BuyerCell(blocked=True, blocked_until=5), Money(1), TODAY).blocked


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (BuyerCell(), None),
        (BuyerCell(blocked_until=AT_MICROS + 1), None),
        (BuyerCell(blocked=True), "blocked for good"),
        (BuyerCell(blocked=True, blocked_until=AT_MICROS + 1000), "blocked until 2026-11-23T10:00:00.001+08:00"),
        (BuyerCell(blocked=True, blocked_until=AT_MICROS), None),
        (BuyerCell(blocked=True, blocked_until=AT_MICROS - 1), None),
    ],
)
def test_a_block_ends_at_its_time(cell: BuyerCell, told: str | None) -> None:
    assert blocked(cell, AT_MICROS) == told


def test_the_clock_of_the_builders_is_the_one_that_is_shown() -> None:
    assert from_micros(AT_MICROS).isoformat() == "2026-11-23T10:00:00+08:00"
