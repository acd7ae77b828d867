"""The first three stages: each rule turns away what it should, names itself, and comes in its place."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.decide import Matching, match
from app.core.facts import Standing
from schemas.times import format_time, to_micros
from schemas.vocabulary import LookResult, Reason
from tests.builders import (
    AT,
    approval,
    item_value,
    later,
    order,
    parcel_value,
    request,
    shop_facts,
    strategy,
)

Json = dict[str, Any]


def when(**by: float) -> str:
    return format_time(later(**by))


def matched(asked: Json | None = None, **facts: Any) -> Matching:
    return match(request(**(asked or {})), shop_facts(**facts), AT)


def test_the_default_request_matches_the_default_strategy() -> None:
    found = matched()
    assert found.strategy == strategy()
    assert found.reasons == ()
    assert {finding.result for finding in found.trace} == {LookResult.HIT}
    assert not found.order_unknown


TURNED_AWAY: list[tuple[Reason, Json, Json]] = [
    (Reason.HALTED, {}, {"halted": True}),
    (Reason.NOT_REFUND_ONLY, {"refund_type": "return_and_refund"}, {}),
    (Reason.NOT_REFUND_ONLY, {"refund_type": "repair"}, {}),
    (Reason.SPECIAL_REFUND, {"special_refund_type": "price_protection"}, {}),
    (Reason.NOT_PENDING, {}, {"standing": Standing.NOT_PENDING}),
    (Reason.SUPERSEDED, {}, {"standing": Standing.SUPERSEDED}),
    (Reason.CURRENCY_UNSUPPORTED, {"currency": "USD"}, {}),
    (Reason.CURRENCY_UNSUPPORTED, {"currency": "cny"}, {}),
    (Reason.AMOUNT_INVALID, {"amount_fen": 0}, {}),
    (Reason.AMOUNT_INVALID, {"amount_fen": -500}, {}),
    (Reason.STRATEGY_MISSING, {}, {"strategies": ()}),
    (Reason.STRATEGY_DISABLED, {}, {"strategies": (strategy(enabled=False), strategy(enabled=False))}),
    (Reason.ORDER_UNKNOWN, {}, {"order": order(logistics=None)}),
    (Reason.ORDER_UNKNOWN, {}, {"order": order(logistics={"buyer_confirmed_at": when(minutes=6)})}),
    (Reason.AMOUNT_OVER_REFUNDABLE, {}, {"order": order(logistics={"paid_fen": 499})}),
    (Reason.NOT_SHIPPED, {}, {"order": order(logistics={"parcels": []})}),
    (Reason.SETTLED, {}, {"order": order(logistics={"settled_at": when()})}),
    (Reason.SETTLED, {"applied_at": when(minutes=2)}, {"order": order(logistics={"settled_at": when(minutes=2)})}),
    (Reason.ITEM_ALREADY_REFUNDED, {}, {"order": order(approvals=(approval(item_ids=["oi-9", "oi-1"]),))}),
    (Reason.SELLER_REJECTED_BEFORE, {}, {"order": order(rejected_item_ids=("oi-9", "oi-1"))}),
    (Reason.STRATEGY_DISABLED, {}, {"strategies": (strategy(enabled=False), strategy(strategy_id="s-2", enabled=False))}),
    (Reason.PRODUCT_NOT_COVERED, {}, {"strategies": (strategy(product_scope={"mode": "include"}),)}),
    (Reason.PRODUCT_NOT_COVERED, {}, {"strategies": (strategy(product_scope={"excluded_product_ids": ["p-1"]}),)}),
    (
        Reason.PRODUCT_NOT_COVERED,
        {},
        {"strategies": (strategy(product_scope={"mode": "include", "product_ids": ["p-1"], "excluded_product_ids": ["p-1"]}),)},
    ),
    (
        Reason.PRODUCT_NOT_COVERED,
        {"items": [item_value(), item_value(order_item_id="oi-1", product_id="p-2")]},
        {"strategies": (strategy(product_scope={"mode": "include", "product_ids": ["p-1"]}),)},
    ),
    (
        Reason.ORDER_STATE_NOT_SELECTED,
        {},
        {"strategies": (strategy(order_states={"shipped_not_received": {"enabled": False}}),)},
    ),
    (
        Reason.ORDER_STATE_NOT_SELECTED,
        {},
        {
            "strategies": (strategy(order_states={"received": {"enabled": False}}),),
            "order": order(logistics={"buyer_confirmed_at": when(days=-1)}),
        },
    ),
    (Reason.LOGISTICS_CONFLICT, {"buyer_claims_received": True}, {}),
    (Reason.OUTSIDE_EXECUTION_WINDOW, {}, {"strategies": (strategy(execution_windows=[{"start": "11:00", "end": "12:00"}]),)}),
    (Reason.OVER_PER_ORDER_CAP, {"amount_fen": 1001}, {}),
    (Reason.OVER_PER_ORDER_CAP, {"amount_fen": 701}, {"order": order(approvals=(approval(amount_fen=300),))}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "asked", "facts"), TURNED_AWAY, ids=[f"{n}-{case[0]}" for n, case in enumerate(TURNED_AWAY)]
)
def test_each_rule_turns_away_alone_and_names_itself(reason: Reason, asked: Json, facts: Json) -> None:
    found = matched(asked, **facts)
    assert found.strategy is None
    assert found.reasons == (reason,)
    assert {one.rule for one in found.trace if one.result is LookResult.MISS} == {reason}
    assert found.order_unknown == (reason is Reason.ORDER_UNKNOWN)


PASSES: list[tuple[str, Json, Json]] = [
    ("the cap itself", {"amount_fen": 1000}, {}),
    ("the cap itself with what was approved before", {"amount_fen": 700}, {"order": order(approvals=(approval(),))}),
    (
        "an approval that failed",
        {"amount_fen": 1000},
        {"order": order(approvals=(approval(item_ids=["oi-1"], status="failed", result_at=1),))},
    ),
    ("all that was paid", {}, {"order": order(logistics={"paid_fen": 500})}),
    ("settlement just after the decision", {}, {"order": order(logistics={"settled_at": when(microseconds=1)})}),
    ("another item rejected", {}, {"order": order(rejected_item_ids=("oi-2",))}),
    ("another item refunded", {}, {"order": order(approvals=(approval(amount_fen=1),))}),
    (
        "a listed product",
        {},
        {"strategies": (strategy(product_scope={"mode": "include", "product_ids": ["p-0", "p-1"]}),)},
    ),
    ("an empty list under all", {}, {"strategies": (strategy(product_scope={"mode": "all", "product_ids": []}),)}),
    ("the buyer agrees", {"buyer_claims_received": False}, {}),
    ("an open window", {}, {"strategies": (strategy(execution_windows=[{"start": "10:00", "end": "10:01"}]),)}),
    ("the other state not selected", {}, {"strategies": (strategy(order_states={"received": {"enabled": False}}),)}),
]


@pytest.mark.parametrize(("asked", "facts"), [case[1:] for case in PASSES], ids=[case[0] for case in PASSES])
def test_what_is_just_inside_passes(asked: Json, facts: Json) -> None:
    assert matched(asked, **facts).strategy is not None


@pytest.mark.parametrize(
    ("days", "shipped", "passes"),
    [
        ({}, {"days": -400}, True),
        ({"max_days": 3}, {"days": -3}, True),
        ({"max_days": 3}, {"days": -3, "microseconds": -1}, False),
        ({"max_days": 0}, {}, True),
        ({"max_days": 0}, {"microseconds": -1}, False),
        ({"min_days": 3}, {"days": -3}, True),
        ({"min_days": 3}, {"days": -3, "microseconds": 1}, False),
        ({"min_days": 1, "max_days": 2}, {"days": -1, "hours": -12}, True),
        ({}, {"microseconds": 1}, False),
        ({"min_days": 2**63 - 1}, {"days": -400}, False),
    ],
)
def test_days_are_24_hours_each_from_the_anchor_both_edges_included_9_47_59(
    days: Json, shipped: Json, passes: bool
) -> None:
    states = {"shipped_not_received": {"enabled": True} | days}
    found = matched(
        strategies=(strategy(order_states=states),),
        order=order(logistics={"parcels": [parcel_value(shipped_at=when(**shipped))]}),
    )
    assert found.reasons == (() if passes else (Reason.OUTSIDE_STATE_DAYS,))


def test_an_unknown_order_leaves_its_other_rules_unknown() -> None:
    found = matched(order=order(logistics=None))
    assert [one.result for one in found.trace if one.rule in {Reason.NOT_SHIPPED, Reason.SETTLED, Reason.AMOUNT_OVER_REFUNDABLE}] == [LookResult.UNKNOWN] * 3  # fmt: skip
    assert found.order_unknown


def test_an_unshipped_parcel_among_several_leaves_no_strategy_to_look_at() -> None:
    found = matched(order=order(logistics={"parcels": [parcel_value(shipped_at=None)]}))
    assert found.reasons == (Reason.NOT_SHIPPED,)
    assert all(finding.strategy_id is None for finding in found.trace)


def test_all_that_stood_in_the_way_is_recorded_the_first_deciding() -> None:
    found = matched({"refund_type": "repair", "currency": "USD", "amount_fen": 0}, halted=True)
    assert found.reasons == (
        Reason.HALTED, Reason.NOT_REFUND_ONLY, Reason.CURRENCY_UNSUPPORTED, Reason.AMOUNT_INVALID,
    )  # fmt: skip


def test_an_unknown_order_is_not_waited_for_where_something_else_decides() -> None:
    assert not matched(halted=True, order=order(logistics=None)).order_unknown


def test_an_item_refunded_by_an_earlier_version_of_the_same_request_is_refunded_49() -> None:
    before = approval(
        decision_id="r-1:1", item_ids=["oi-1"], status="succeeded", executed_fen=1, result_at=to_micros(AT)
    )
    found = matched({"request_version": 2}, order=order(approvals=(before,)))
    (miss,) = (one for one in found.trace if one.result is LookResult.MISS)
    assert (miss.rule, miss.found) == (Reason.ITEM_ALREADY_REFUNDED, "r-1:1")
