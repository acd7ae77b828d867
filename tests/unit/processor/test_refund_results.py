"""Refund results move money between reserved, executed and free, in the day it was reserved in (domain [17-19, 52])."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.cells import SpendCell
from schemas.errors import InvariantBroken
from schemas.times import format_time
from tests.builders import (
    DAY,
    item_value,
    later,
    logistics_value,
    parcel_value,
    request_value,
    result_value,
    spend,
    strategy_value,
)
from tests.lane import Lane

REQUEST, LOGISTICS, STRATEGY, RESULT = "after-sale-request", "order-logistics", "strategy-config", "refund-result"


def approved(**setup: Any) -> Lane:
    """A lane that has approved r-1:1 over 500 fen."""
    lane = Lane().feed(STRATEGY, strategy_value(**setup)).feed(LOGISTICS, logistics_value())
    assert lane.feed(REQUEST, request_value()).decision["outcome"] == "auto_approve"
    return lane


def spent(lane: Lane, strategy_id: str = "s-1", day: str = DAY) -> SpendCell:
    return lane.tables.daily_spend.of("shop-1", strategy_id, day)


def test_an_approval_is_reserved_for_the_strategy_and_the_shop() -> None:
    assert spent(approved()) == spent(approved(), "*") == spend(0, 500)


@pytest.mark.parametrize(
    ("status", "amount", "after"),
    [
        ("succeeded", 500, spend(500, 0)),
        ("succeeded", 200, spend(200, 0)),
        ("failed", 500, spend()),
        ("failed", 0, spend()),
        ("cancelled", 500, spend()),
        ("recovered", 500, spend(0, 500)),
    ],
)
def test_a_result_settles_the_reservation_of_strategy_and_shop(status: str, amount: int, after: SpendCell) -> None:
    lane = approved().feed(RESULT, result_value(status=status, amount_fen=amount))
    assert spent(lane) == spent(lane, "*") == after
    assert lane.emits == []


def test_a_result_settles_in_the_day_the_amount_was_reserved_in_18() -> None:
    lane = approved().feed(RESULT, result_value(status="failed"), at=later(days=2))
    assert spent(lane) == spend()
    assert spent(lane, day="2026-11-25") == spend()


def test_repeats_and_contradictions_are_counted_and_change_nothing_52() -> None:
    lane = approved().feed(RESULT, result_value())
    for status in ("succeeded", "failed", "cancelled"):
        assert lane.feed(RESULT, result_value(status=status)).emits == []
    assert spent(lane) == spend(500, 0)
    assert lane.tally["ignored", RESULT, "repeated"] == 3
    assert lane.tally["results", "succeeded"] == 1
    assert lane.tally["executed_fen",] == 500
    assert lane.tally["released_fen",] == 0


def test_what_a_smaller_or_failed_result_gives_back_is_counted() -> None:
    lane = approved().feed(RESULT, result_value(amount_fen=300))
    assert (lane.tally["executed_fen",], lane.tally["released_fen",]) == (300, 200)
    lane = approved().feed(RESULT, result_value(status="failed"))
    assert (lane.tally["executed_fen",], lane.tally["released_fen",]) == (0, 500)


def test_recovered_later_gives_no_budget_back_19() -> None:
    lane = approved().feed(RESULT, result_value()).feed(RESULT, result_value(status="recovered"))
    assert spent(lane) == spend(500, 0)
    assert lane.tables.orders.of("shop-1", "o-1").approvals[0].recovered_fen.fen == 500


@pytest.mark.parametrize(
    "change",
    [
        {"decision_id": "r-9:1"},
        {"decision_id": "r-1:2"},
        {"decision_id": "r-1"},
        {"decision_id": "r-2:1"},
        {"shop_id": "shop-2"},
        {"amount_fen": 501},
    ],
)
def test_a_result_of_what_was_never_approved_or_of_more_money_is_a_dead_letter_52(change: dict[str, Any]) -> None:
    lane = approved().feed(REQUEST, request_value(request_id="r-2", amount_fen=0))
    before = spent(lane)
    lane.feed(RESULT, result_value(**change))
    assert len(lane.dead_letters) == 1
    assert spent(lane) == before


def test_a_result_for_a_request_that_still_waits_is_a_dead_letter() -> None:
    lane = Lane().feed(STRATEGY, strategy_value()).feed(REQUEST, request_value()).feed(RESULT, result_value())
    assert len(lane.dead_letters) == 1


def test_an_item_whose_refund_failed_may_be_approved_again_26_49() -> None:
    lane = approved()
    again = request_value(request_version=2)
    assert lane.feed(REQUEST, again).decision["reasons"][0] == "item_already_refunded"
    lane.feed(RESULT, result_value(status="failed"))
    assert lane.feed(REQUEST, request_value(request_version=3)).decision["outcome"] == "auto_approve"


def test_only_the_approval_that_the_result_names_is_settled() -> None:
    parcel = parcel_value(order_item_ids=["oi-1", "oi-2"])
    lane = approved().feed(LOGISTICS, logistics_value(version=2, parcels=[parcel]))
    lane.feed(REQUEST, request_value(request_id="r-2", amount_fen=300, items=[item_value(order_item_id="oi-2")]))
    lane.feed(RESULT, result_value(decision_id="r-2:1", amount_fen=300))
    assert spent(lane) == spend(300, 500)
    assert [one.status for one in lane.tables.orders.of("shop-1", "o-1").approvals] == [None, "succeeded"]


def test_a_release_arms_the_95_percent_notice_again_16() -> None:
    lane = approved(daily_cap_fen=500)
    assert [alert["kind"] for alert in lane.alerts] == ["spend_threshold"]
    assert not spent(lane).armed
    assert spent(lane.feed(RESULT, result_value(status="failed"))).armed
    lane.feed(REQUEST, request_value(request_version=2))
    assert [alert["alert_id"][-2:] for alert in lane.alerts] == ["|2"]


def test_the_notice_of_a_strategy_that_is_not_live_any_more_is_left_alone_36_62() -> None:
    lane = approved(daily_cap_fen=500).feed(STRATEGY, strategy_value(version=2, daily_cap_fen=500, deleted=True))
    lane.feed(RESULT, result_value(status="failed"))
    assert lane.emits == []
    assert spent(lane).spent.fen == 0


def test_a_partial_success_of_yesterday_is_looked_at_against_todays_config_53() -> None:
    lane = approved().feed(STRATEGY, strategy_value(version=2, daily_cap_fen=400), at=later(days=1))
    assert lane.alerts == []
    lane.feed(RESULT, result_value(amount_fen=380, at=format_time(later(days=1))))
    assert [(alert["kind"], alert["spend_day"]) for alert in lane.alerts] == [("spend_threshold", DAY)]


def test_an_approval_that_its_order_does_not_know_is_a_broken_invariant() -> None:
    lane = approved()
    lane.stores["orders"].clear()
    with pytest.raises(InvariantBroken, match="its order does not know of it"):
        Lane(stores=lane.stores).feed(RESULT, result_value())


def test_a_spending_strategy_that_is_not_known_is_a_broken_invariant() -> None:
    lane = approved()
    lane.stores["strategies"].clear()
    with pytest.raises(InvariantBroken, match="spent, but is not known"):
        Lane(stores=lane.stores).feed(RESULT, result_value(status="failed"))
