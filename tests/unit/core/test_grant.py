"""The last stage, on the strategy that matched: risk, buyer, breaker, budgets. A stop is final."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import decide
from app.core.decide import Grant, grant
from app.core.grant_rules import GrantView, recent_approvals
from app.core.ladder import Look
from schemas.cells import BreakerCell, BuyerCell
from schemas.errors import InvariantBroken
from schemas.events import StrategyConfig
from schemas.money import Money
from schemas.vocabulary import LookResult, Reason
from tests.builders import AT, AT_MICROS, DAY, grant_facts, request, shop_cap, spend, strategy

Json = dict[str, Any]
MINUTE = 60_000_000
BROKEN_AT_2 = {"breaker": {"max_approvals": 2, "per_minutes": 10}}


def granted(asked: Json | None = None, setup: Json | None = None, **facts: Any) -> Grant:
    return grant(request(**(asked or {})), strategy(**(setup or {})), grant_facts(**facts), AT)


def recent(*minutes_ago: int, **more: Any) -> BreakerCell:
    return BreakerCell(version=1, recent=tuple((AT_MICROS - ago * MINUTE, 1) for ago in minutes_ago), **more)


def test_an_approval_reserves_in_the_strategys_day_and_the_shops_and_counts_the_buyer() -> None:
    found = granted(spend=spend(100, 200), shop_spend=spend(1000, 0))
    assert found.reasons == (Reason.APPROVED,)
    assert not found.trips
    assert found.granted is not None
    assert found.granted.spend == spend(100, 700)
    assert found.granted.shop_spend == spend(1000, 500)
    assert found.granted.buyer.days == {DAY: (1, 500)}
    assert found.granted.breaker is None
    assert {finding.result for finding in found.trace} == {LookResult.HIT}


STOPPED: list[tuple[Reason, Json, Json, Json]] = [
    (Reason.RISK_FLAGGED, {"risk": {"level": "elevated", "codes": []}}, {}, {}),
    (Reason.RISK_FLAGGED, {"risk": {"level": "high", "codes": ["x"]}}, {}, {}),
    (Reason.RISK_UNKNOWN, {"risk": None}, {}, {}),
    (Reason.BUYER_BLOCKED, {}, {}, {"buyer": BuyerCell(blocked=True)}),
    (Reason.BUYER_BLOCKED, {}, {}, {"buyer_everywhere": BuyerCell(blocked=True)}),
    (Reason.BUYER_BLOCKED, {}, {"risk_check": False}, {"buyer": BuyerCell(blocked=True, blocked_until=AT_MICROS + 1)}),
    (Reason.BUYER_LIMIT, {}, {"buyer_limits": {"max_per_day": 1}}, {"buyer": BuyerCell(days={DAY: (1, 500)})}),
    (Reason.BREAKER_OPEN, {}, BROKEN_AT_2, {"breaker": recent(2, 1)}),
    (Reason.BREAKER_OPEN, {}, BROKEN_AT_2, {"breaker": recent(10, 10)}),
    (Reason.BREAKER_OPEN, {}, BROKEN_AT_2, {"breaker": recent(tripped=True)}),
    (Reason.DAILY_CAP_REACHED, {}, {"daily_cap_fen": 499}, {}),
    (Reason.DAILY_CAP_REACHED, {}, {"daily_cap_fen": 0}, {}),
    (Reason.DAILY_CAP_REACHED, {}, {"daily_cap_fen": 1000}, {"spend": spend(500, 1)}),
    (Reason.SHOP_CAP_REACHED, {}, {}, {"shop_cap": shop_cap(daily_cap_fen=1000), "shop_spend": spend(500, 1)}),
    (Reason.SHOP_CAP_REACHED, {}, {}, {"shop_cap": shop_cap(daily_cap_fen=0)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "asked", "setup", "facts"), STOPPED, ids=[f"{n}-{case[0]}" for n, case in enumerate(STOPPED)]
)
def test_each_rule_stops_alone_and_names_itself(reason: Reason, asked: Json, setup: Json, facts: Json) -> None:
    found = granted(asked, setup, **facts)
    assert found.granted is None
    assert found.reasons == (reason,)
    assert {one.rule for one in found.trace if one.result is LookResult.MISS} == {reason}


PASSES: list[tuple[str, Json, Json, Json]] = [
    ("risk not ticked, risk high", {"risk": {"level": "high", "codes": []}}, {"risk_check": False}, {}),
    ("risk not ticked, risk unknown", {"risk": None}, {"risk_check": False}, {}),
    ("a block that ended", {}, {}, {"buyer": BuyerCell(blocked=True, blocked_until=AT_MICROS)}),
    ("the last of the budget", {}, {"daily_cap_fen": 1000}, {"spend": spend(250, 250)}),
    ("the last of the shop's budget", {}, {}, {"shop_cap": shop_cap(daily_cap_fen=1000), "shop_spend": spend(500, 0)}),
    ("a shop cap that was deleted", {}, {}, {"shop_cap": shop_cap(daily_cap_fen=0, deleted=True)}),
    ("approvals before the breaker's minutes", {}, BROKEN_AT_2, {"breaker": recent(11, 11, 1)}),
    ("no breaker, whatever was counted", {}, {}, {"breaker": recent(1, 1, 1, tripped=True)}),
    ("another buyer's limit", {}, {"buyer_limits": {"max_per_day": 1}}, {"buyer_everywhere": BuyerCell(days={DAY: (9, 9)})}),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "setup", "facts"), [one[1:] for one in PASSES], ids=[one[0] for one in PASSES])
def test_what_is_just_inside_is_approved(asked: Json, setup: Json, facts: Json) -> None:
    assert granted(asked, setup, **facts).granted is not None


def test_the_first_stop_decides_and_all_are_recorded() -> None:
    found = granted({"risk": None}, BROKEN_AT_2 | {"daily_cap_fen": 0}, breaker=recent(1, 1))
    assert found.reasons == (Reason.RISK_UNKNOWN, Reason.BREAKER_OPEN, Reason.DAILY_CAP_REACHED)
    assert not found.trips


@pytest.mark.parametrize(("tripped", "trips"), [(False, True), (True, False)])
def test_a_breaker_trips_once_and_only_where_it_decides_56(tripped: bool, trips: bool) -> None:
    assert granted({}, BROKEN_AT_2, breaker=recent(1, 1, tripped=tripped)).trips == trips


def test_an_approval_is_counted_by_the_breaker_and_old_ones_are_forgotten_56() -> None:
    found = granted({}, BROKEN_AT_2, breaker=recent(11, 1)).granted
    assert found is not None
    assert found.breaker == recent(1, 0)


def view(setup: StrategyConfig, breaker: BreakerCell) -> GrantView:
    return GrantView(request(), AT, setup, grant_facts(breaker=breaker))


def test_without_a_breaker_no_approvals_are_counted() -> None:
    assert recent_approvals(view(strategy(), recent(1, 1))) == 0
    assert recent_approvals(view(strategy(**BROKEN_AT_2), recent(1, 1))) == 2


def test_a_ladder_that_forgot_the_budget_is_a_broken_invariant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "GRANT_STAGE", ((Reason.HALTED, lambda _: Look(True)),))
    with pytest.raises(InvariantBroken, match="its budget refuses"):
        granted({}, {"daily_cap_fen": 499})


def test_facts_are_values_and_stay_what_they_were() -> None:
    facts = grant_facts(spend=spend(0, 0))
    grant(request(), strategy(), facts, AT)
    assert facts.spend == spend(0, 0)
    assert facts.spend.reserved_fen == Money(0)
