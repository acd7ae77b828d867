"""What events say beyond their fields: defaults, derived values, and that they do not change (contract, 2)."""

from __future__ import annotations

import pytest

from schemas.events.strategies import DAILY_CAP_DEFAULT, PER_ORDER_CAP_DEFAULT, ExecutionWindow
from schemas.money import ZERO, Money
from schemas.times import format_time
from schemas.vocabulary import Mode, Owner, ProductMode, Provenance, SpecialRefundType
from tests.builders import AT, item_value, later, logistics, request, shop_cap, strategy


def test_a_deadline_is_36_hours_after_applying() -> None:
    assert request().deadline == later(hours=36)


def test_a_deadline_that_is_told_stands() -> None:
    assert request(deadline_at=format_time(later(hours=1))).deadline == later(hours=1)


def test_a_request_names_its_decision() -> None:
    assert request(request_id="r", request_version=3).decision_id == "r:3"


def test_what_a_request_leaves_out_has_its_default() -> None:
    minimal = request(risk=None)
    assert minimal.special_refund_type is SpecialRefundType.NONE
    assert minimal.currency == "CNY"
    assert minimal.buyer_claims_received is None
    assert minimal.deadline_at is None


def test_what_a_strategy_leaves_out_has_the_announcements_default() -> None:
    """announcement, 2 to 5"""
    minimal = strategy(enabled=False)
    assert minimal.per_order_cap_fen == PER_ORDER_CAP_DEFAULT == Money(1000)
    assert minimal.daily_cap_fen == DAILY_CAP_DEFAULT == Money(10_000_000)
    assert minimal.mode is Mode.LIVE
    assert minimal.priority == 100
    assert minimal.product_scope.mode is ProductMode.ALL
    assert minimal.order_states.received.enabled
    assert minimal.order_states.shipped_not_received.enabled
    assert minimal.risk_check
    assert minimal.execution_windows == []
    assert minimal.buyer_limits is None
    assert minimal.breaker is None
    assert not minimal.deleted


def test_a_strategy_is_off_until_somebody_enables_it() -> None:
    bare = strategy().model_dump(mode="json", exclude={"enabled"})
    assert not type(strategy()).model_validate(bare).enabled


@pytest.mark.parametrize("kind", [strategy, shop_cap])
def test_a_daily_cap_of_null_is_the_default_and_never_unlimited_21(kind: type) -> None:
    assert kind(daily_cap_fen=None).daily_cap_fen == DAILY_CAP_DEFAULT


def test_a_daily_cap_of_zero_is_zero_21() -> None:
    assert strategy(daily_cap_fen=0).daily_cap_fen == ZERO


@pytest.mark.parametrize(
    ("owner", "provenance"),
    [(Owner.MERCHANT, Provenance.MERCHANT_STRATEGY), (Owner.PLATFORM, Provenance.PLATFORM_STRATEGY)],
)
def test_an_approval_names_whose_strategy_it_comes_from_35(owner: Owner, provenance: Provenance) -> None:
    assert strategy(owner=owner).provenance is provenance


@pytest.mark.parametrize(
    ("start", "end", "minutes"), [("00:00", "24:00", (0, 1440)), ("08:05", "00:00", (485, 0)), ("23:59", "08:00", (1439, 480))]
)  # fmt: skip
def test_a_window_counts_in_minutes_after_midnight(start: str, end: str, minutes: tuple[int, int]) -> None:
    window = ExecutionWindow(start=start, end=end)
    assert (window.start_minute, window.end_minute) == minutes


def test_logistics_without_refunds_has_refunded_nothing() -> None:
    assert logistics().refunded_fen == ZERO


def test_an_event_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        request().amount_fen = Money(1)  # type: ignore[misc]


def test_unknown_fields_are_dropped() -> None:
    event = request(colour="red", items=[item_value(colour="red")])
    assert b"colour" not in event.model_dump_json().encode()


def test_times_are_written_in_chinas_time() -> None:
    assert (
        b'"applied_at":"2026-11-23T10:00:00.000+08:00"' in request(applied_at=AT.isoformat()).model_dump_json().encode()
    )
