"""What may be forgotten, and what must not be while money hangs on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.retention import Retention, buyer_over, order_over, request_over, spend_over
from schemas.cells import ApprovalCell, BuyerCell, OrderCell, RequestCell, VersionCell
from schemas.events import OrderLogistics
from schemas.money import Money
from schemas.times import SpendDay, format_time, to_micros
from schemas.vocabulary import Outcome, ResultStatus
from tests.builders import AT, logistics_value, spend

RETENTION = Retention(spend_days=10, request_days=20, order_days=30)
TODAY = SpendDay.of(AT)


def ago(days: float) -> int:
    return to_micros(AT - timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "reserved", "shadow", "over"),
    [
        (10, 0, False, False),
        (11, 0, False, True),
        (11, 1, False, False),
        (11, 1, True, True),
        (10, 1, True, False),
    ],
)
def test_a_day_of_spend_is_over_once_all_has_its_result(days: int, reserved: int, shadow: bool, over: bool) -> None:
    cell = spend(executed=500, reserved=reserved)
    assert spend_over(cell, TODAY.minus(days), TODAY, RETENTION, shadow=shadow) is over


@pytest.mark.parametrize(
    ("cell", "over"),
    [
        (BuyerCell(), True),
        (BuyerCell(days={TODAY.minus(29): (1, 100)}), False),
        (BuyerCell(days={TODAY.minus(30): (1, 100)}), True),
        (BuyerCell(blocked=True), False),
        (BuyerCell(blocked=True, blocked_until=to_micros(AT) + 1), False),
        (BuyerCell(blocked=True, blocked_until=to_micros(AT)), True),
    ],
)
def test_a_buyer_is_over_when_no_limit_counts_and_no_block_holds_29_37(cell: BuyerCell, over: bool) -> None:
    assert buyer_over(cell, AT, TODAY) is over


def request_cell(seen_at: int | None, outcome: Outcome | None) -> RequestCell:
    return RequestCell(
        newest=1, versions={1: VersionCell(digest="d", order_id="o-1", outcome=outcome)}, seen_at=seen_at
    )


@pytest.mark.parametrize(
    ("days", "outcome", "reserved", "over"),
    [
        (20, Outcome.MANUAL_REVIEW, False, False),
        (20.1, Outcome.MANUAL_REVIEW, False, True),
        (20.1, None, False, True),
        (20.1, Outcome.AUTO_APPROVE, False, False),
        (30.1, Outcome.AUTO_APPROVE, False, True),
        (30.1, Outcome.AUTO_APPROVE, True, False),
    ],
)
def test_a_request_is_over_some_days_after_it_was_last_seen(
    days: float, outcome: Outcome | None, reserved: bool, over: bool
) -> None:
    assert request_over(request_cell(ago(days), outcome), AT, RETENTION, reserved=reserved) is over


def test_a_request_of_unknown_age_is_kept() -> None:
    assert not request_over(request_cell(None, Outcome.MANUAL_REVIEW), AT, RETENTION, reserved=False)


def order(settled: float | None, updated: float, **more: Any) -> OrderCell:
    told = logistics_value(updated_at=format_time(AT - timedelta(days=updated)))
    if settled is not None:
        told["settled_at"] = format_time(AT - timedelta(days=settled))
    return OrderCell(logistics=OrderLogistics.model_validate(told), **more)


def approval(status: ResultStatus | None) -> tuple[ApprovalCell, ...]:
    return (
        ApprovalCell(
            decision_id="r-1:1", strategy_id="s", spend_day=TODAY, amount_fen=Money(1), item_ids=("i",), status=status
        ),
    )


@pytest.mark.parametrize(
    ("cell", "over"),
    [
        (order(None, 30), False),
        (order(None, 31), True),
        (order(30, 40), False),
        (order(31, 40), True),
        (order(31, 40, rejected_item_ids=("i",)), True),
        (order(None, 31, rejected_item_ids=("i",)), False),
        (order(None, 31, all_rejected=True), False),
        (order(29, 40), False),
        (order(31, 40, approvals=approval(ResultStatus.SUCCEEDED)), True),
        (order(None, 31, approvals=approval(ResultStatus.SUCCEEDED)), False),
        (order(31, 40, approvals=approval(None)), False),
        (order(31, 40, held_request_ids=("r",)), False),
        (OrderCell(), False),
    ],
)
def test_an_order_is_over_long_after_its_settlement_or_where_it_never_mattered(cell: OrderCell, over: bool) -> None:
    assert order_over(cell, AT, RETENTION, remembered=False) is over
    assert not order_over(cell, AT, RETENTION, remembered=True)
