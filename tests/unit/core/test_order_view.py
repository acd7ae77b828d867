"""What the order says about the items asked for (domain [2, 10-14, 44-48])."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from app.core.order_view import OrderView, approved_before, in_force, is_future, view_order
from schemas.money import Money
from schemas.times import format_time, to_micros
from schemas.vocabulary import OrderState, ResultStatus
from tests.builders import AT, approval, item_value, later, logistics, order, parcel_value, request

Json = dict[str, Any]
RECEIVED, NOT_RECEIVED = OrderState.RECEIVED, OrderState.SHIPPED_NOT_RECEIVED


def when(**by: float) -> str:
    return format_time(later(**by))


def parcel(*items: str, shipped: float | None = -3, signed: float | None = None, **change: Any) -> Json:
    """A parcel shipped and signed so many days from now; `delivery` agrees unless told otherwise."""
    return (
        parcel_value(
            order_item_ids=list(items),
            shipped_at=None if shipped is None else when(days=shipped),
            signed_at=None if signed is None else when(days=signed),
            delivery="in_transit" if signed is None else "signed",
        )
        | change
    )


def seen(*parcels: Json, asked: tuple[str, ...] = ("a",), claims: bool | None = None, **change: Any) -> OrderView:
    wanted = request(items=[item_value(order_item_id=item) for item in asked], buyer_claims_received=claims)
    told = logistics(parcels=list(parcels), **change)
    return view_order(order(), told, wanted)


@pytest.mark.parametrize(
    ("parcels", "asked", "shipped"),
    [
        ([parcel("a")], ("a",), True),
        ([parcel("a", shipped=None)], ("a",), False),
        ([], ("a",), False),
        ([parcel("b")], ("a",), False),
        ([parcel("a"), parcel("b", shipped=None)], ("a",), True),
        ([parcel("a"), parcel("b", shipped=None)], ("a", "b"), False),
        ([parcel("a"), parcel("a", shipped=None)], ("a",), False),
        ([parcel("a", "b")], ("a", "b"), True),
        ([parcel("a")], ("a", "b"), False),
        ([parcel("a"), parcel("b")], ("a", "b", "a"), True),
    ],
)
def test_shipped_means_every_parcel_of_every_item_asked_for_46(
    parcels: list[Json], asked: tuple[str, ...], shipped: bool
) -> None:
    assert seen(*parcels, asked=asked).shipped == shipped


@pytest.mark.parametrize(
    ("parcels", "confirmed", "state", "anchor"),
    [
        ([parcel("a", shipped=-3)], None, NOT_RECEIVED, later(days=-3)),
        ([parcel("a", shipped=-3), parcel("a", shipped=-5)], None, NOT_RECEIVED, later(days=-5)),
        ([parcel("a", shipped=-3), parcel("b", shipped=-5)], None, NOT_RECEIVED, later(days=-3)),
        ([parcel("a", signed=-1)], None, RECEIVED, later(days=-1)),
        ([parcel("a", signed=-1), parcel("a", signed=-2)], None, RECEIVED, later(days=-2)),
        ([parcel("a", signed=-1), parcel("a")], None, NOT_RECEIVED, later(days=-3)),
        ([parcel("a", signed=-1), parcel("b")], None, RECEIVED, later(days=-1)),
        ([parcel("a")], -2, RECEIVED, later(days=-2)),
        ([parcel("a", signed=-1)], -2, RECEIVED, later(days=-2)),
        ([parcel("a", signed=-2)], -1, RECEIVED, later(days=-2)),
        ([parcel("a", delivery="pickup_point")], None, NOT_RECEIVED, later(days=-3)),
        ([parcel("a", shipped=None)], None, NOT_RECEIVED, None),
        ([], None, NOT_RECEIVED, None),
    ],
)
def test_received_and_its_anchor_10_11_47(
    parcels: list[Json], confirmed: float | None, state: OrderState, anchor: datetime | None
) -> None:
    view = seen(*parcels, buyer_confirmed_at=None if confirmed is None else when(days=confirmed))
    assert (view.state, view.anchor) == (state, anchor)


@pytest.mark.parametrize(
    ("parcels", "claims", "conflict"),
    [
        ([parcel("a")], None, None),
        ([parcel("a")], False, None),
        ([parcel("a")], True, "the buyer says received"),
        ([parcel("a", signed=-1)], True, None),
        ([parcel("a", signed=-1)], False, "the buyer says not received"),
        ([parcel("a", delivery="signed")], None, "parcel pc-1: signed, without a time"),
        ([parcel("a", signed=-1, delivery="rejected")], None, "parcel pc-1: rejected, with a sign time"),
        ([parcel("a"), parcel("b", delivery="signed")], None, None),
        ([parcel("a", delivery="lost")], None, None),
    ],
)
def test_a_contradiction_about_the_parcels_asked_for_is_a_conflict_12_48(
    parcels: list[Json], claims: bool | None, conflict: str | None
) -> None:
    assert seen(*parcels, claims=claims).conflict == conflict


APPROVED = 500


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, 4500),
        ({"status": "failed", "result_at": 1}, 5000),
        ({"status": "cancelled", "result_at": 1}, 5000),
        ({"status": "failed", "result_at": to_micros(AT)}, 5000),
        ({"status": "succeeded", "executed_fen": 500, "result_at": to_micros(AT)}, 4500),
        ({"status": "succeeded", "executed_fen": 200, "result_at": to_micros(AT)}, 4800),
        ({"status": "succeeded", "executed_fen": 500, "result_at": to_micros(later(days=-1))}, 5000),
        ({"status": "succeeded", "executed_fen": 500, "result_at": to_micros(later(days=-1)) + 1}, 4500),
        ({"status": "recovered", "executed_fen": 500, "recovered_fen": 500, "result_at": to_micros(AT)}, 4500),
    ],
)
def test_an_approval_counts_until_the_order_knows_of_it_45(change: Json, left: int) -> None:
    """The default order was updated a day ago; it paid 50.00."""
    cell = order(approvals=(approval(amount_fen=APPROVED, **change),))
    assert cell.logistics is not None
    assert view_order(cell, cell.logistics, request()).refundable == Money(left)


def test_what_was_refunded_is_not_there_any_more_34() -> None:
    assert seen(parcel("a"), paid_fen=5000, refunded_fen=4200).refundable == Money(800)


def test_the_settlement_is_carried_through() -> None:
    assert seen(parcel("a"), settled_at=when(days=9)).settled_at == later(days=9)


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({}, 500),
        ({"status": "failed"}, 0),
        ({"status": "cancelled"}, 0),
        ({"status": "succeeded", "executed_fen": 200}, 200),
        ({"status": "recovered", "executed_fen": 200, "recovered_fen": 200}, 200),
    ],
)
def test_splitting_does_not_help_against_the_per_order_cap_2(change: Json, counted: int) -> None:
    cell = order(approvals=(approval(amount_fen=APPROVED, **change), approval(amount_fen=7)))
    assert approved_before(cell) == Money(counted + 7)


@pytest.mark.parametrize("status", [None, *ResultStatus])
def test_only_a_definite_failure_takes_an_approval_out_of_force_18_49(status: ResultStatus | None) -> None:
    assert in_force(approval(status=status)) == (status not in {ResultStatus.FAILED, ResultStatus.CANCELLED})


@pytest.mark.parametrize(
    ("change", "future"),
    [
        ({}, False),
        ({"parcels": [parcel_value(shipped_at=when(minutes=5))]}, False),
        ({"parcels": [parcel_value(shipped_at=when(minutes=5, microseconds=1))]}, True),
        ({"parcels": [parcel_value(), parcel_value(signed_at=when(minutes=6))]}, True),
        ({"parcels": [parcel_value(shipped_at=None)]}, False),
        ({"buyer_confirmed_at": when(minutes=5)}, False),
        ({"buyer_confirmed_at": when(minutes=6)}, True),
        ({"settled_at": when(days=9), "updated_at": when(days=9)}, False),
    ],
)
def test_more_than_five_minutes_ahead_is_the_future_44(change: Json, future: bool) -> None:
    assert is_future(logistics(**change), AT) == future
