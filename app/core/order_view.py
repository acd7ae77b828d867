"""What the order says about the items asked for: parcels, state, anchor, money left (domain [10, 11, 44-48])."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.cells import ApprovalCell, OrderCell
from schemas.events import AfterSaleRequest, OrderLogistics, Parcel
from schemas.money import ZERO, Money
from schemas.times import to_micros
from schemas.vocabulary import Delivery, OrderState, ResultStatus

__all__ = ["CLOCK_TOLERANCE", "OrderView", "approved_before", "in_force", "is_future", "view_order"]

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far another system's clock may be ahead of ours (domain [13, 44])."""

RELEASED: Final = (ResultStatus.FAILED, ResultStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as one request sees it. `state` and `anchor` mean nothing where `shipped` is False."""

    shipped: bool
    state: OrderState
    anchor: datetime | None
    conflict: str | None
    """What contradicts what; None = nothing (domain [48])."""
    refundable: Money
    """paid - refunded - auto-approved and not yet in `refunded` (domain [45])."""
    settled_at: datetime | None


def is_future(logistics: OrderLogistics, at: datetime) -> bool:
    """Whether a shipped, signed or confirmed time lies beyond the clock's tolerance (domain [44])."""
    limit = at + CLOCK_TOLERANCE
    if logistics.buyer_confirmed_at is not None and logistics.buyer_confirmed_at > limit:
        return True
    return any(
        (parcel.shipped_at is not None and parcel.shipped_at > limit)
        or (parcel.signed_at is not None and parcel.signed_at > limit)
        for parcel in logistics.parcels
    )


def in_force(approval: ApprovalCell) -> bool:
    """Whether an approval was not failed or cancelled."""
    return approval.status not in RELEASED


def approved_before(order: OrderCell) -> Money:
    """Auto-approved before on the order, failed and cancelled ones excepted (domain [2]).

    An approval that was executed with a smaller amount counts with that amount: the rest was released (domain [52]).
    """
    return sum((_weight(approval) for approval in order.approvals), ZERO)


def view_order(order: OrderCell, logistics: OrderLogistics, request: AfterSaleRequest) -> OrderView:
    """The order as the request sees it."""
    wanted = {item.order_item_id for item in request.items}
    parcels = [parcel for parcel in logistics.parcels if not wanted.isdisjoint(parcel.order_item_ids)]
    held = {item for parcel in parcels for item in parcel.order_item_ids}
    received = _received(logistics, parcels)
    return OrderView(
        shipped=wanted <= held and all(parcel.shipped_at is not None for parcel in parcels),
        state=OrderState.RECEIVED if received else OrderState.SHIPPED_NOT_RECEIVED,
        anchor=_anchor(logistics, parcels, received),
        conflict=_conflict(parcels, request.buyer_claims_received, received),
        refundable=_refundable(order, logistics),
        settled_at=logistics.settled_at,
    )


def _received(logistics: OrderLogistics, parcels: list[Parcel]) -> bool:
    """domain [11, 47]"""
    if logistics.buyer_confirmed_at is not None:
        return True
    return bool(parcels) and all(parcel.signed_at is not None for parcel in parcels)


def _anchor(logistics: OrderLogistics, parcels: list[Parcel], received: bool) -> datetime | None:
    """domain [10, 11, 47]"""
    times = [parcel.signed_at if received else parcel.shipped_at for parcel in parcels]
    if received:
        times.append(logistics.buyer_confirmed_at)
    return min((time for time in times if time is not None), default=None)


def _conflict(parcels: list[Parcel], buyer_claims_received: bool | None, received: bool) -> str | None:
    """domain [12, 48]"""
    for parcel in parcels:
        signed = parcel.delivery is Delivery.SIGNED
        if signed and parcel.signed_at is None:
            return f"parcel {parcel.parcel_id}: signed, without a time"
        if not signed and parcel.signed_at is not None:
            return f"parcel {parcel.parcel_id}: {parcel.delivery.value}, with a sign time"
    if buyer_claims_received is not None and buyer_claims_received != received:
        return "the buyer says received" if buyer_claims_received else "the buyer says not received"
    return None


def _refundable(order: OrderCell, logistics: OrderLogistics) -> Money:
    """domain [45]"""
    known_until = to_micros(logistics.updated_at)
    open_approvals = (
        _weight(approval)
        for approval in order.approvals
        if approval.result_at is None or approval.result_at > known_until
    )
    return logistics.paid_fen - logistics.refunded_fen - sum(open_approvals, ZERO)


def _weight(approval: ApprovalCell) -> Money:
    return approval.amount_fen if approval.status is None else approval.executed_fen
