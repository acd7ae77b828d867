"""Stage 2: what is known of the order and its items."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from app.core.ladder import Look, Rule, unknown
from app.core.order_view import OrderView, in_force
from schemas.cells import OrderCell
from schemas.events import AfterSaleRequest
from schemas.times import format_time
from schemas.vocabulary import Reason

__all__ = ["ORDER_STAGE", "OrderStageView"]


class OrderStageView(NamedTuple):
    """What this stage looks at. `seen` None = the order is unknown."""

    request: AfterSaleRequest
    at: datetime
    order: OrderCell
    seen: OrderView | None


def _known(view: OrderStageView) -> Look:
    return Look(view.seen is not None, "known" if view.seen else "unknown", "known")


def _refundable(view: OrderStageView) -> Look:
    """domain [34, 45]"""
    if view.seen is None:
        return unknown()
    return Look(view.request.amount_fen <= view.seen.refundable, view.request.amount_fen.fen, view.seen.refundable.fen)


def _shipped(view: OrderStageView) -> Look:
    """domain [10, 46]"""
    if view.seen is None:
        return unknown(True)
    return Look(view.seen.shipped, view.seen.shipped, True)


def _not_settled(view: OrderStageView) -> Look:
    """domain [14]"""
    if view.seen is None:
        return unknown()
    settled_at = view.seen.settled_at
    if settled_at is None:
        return Look(True, None, None)
    last = max(view.request.applied_at, view.at)
    return Look(settled_at > last, format_time(settled_at), f"after {format_time(last)}")


def _items_not_refunded(view: OrderStageView) -> Look:
    """domain [26, 49]"""
    wanted = {item.order_item_id for item in view.request.items}
    for approval in view.order.approvals:
        if in_force(approval) and not wanted.isdisjoint(approval.item_ids):
            return Look(False, approval.decision_id, None)
    return Look(True, None, None)


def _items_not_rejected(view: OrderStageView) -> Look:
    """domain [26, 50]"""
    rejected, all_rejected = set(view.order.rejected_item_ids), view.order.all_rejected
    items = (item.order_item_id for item in view.request.items)
    found = next((item for item in items if all_rejected or item in rejected), None)
    return Look(found is None, found, None)


ORDER_STAGE: Final[tuple[Rule[OrderStageView], ...]] = (
    (Reason.ORDER_UNKNOWN, _known),
    (Reason.AMOUNT_OVER_REFUNDABLE, _refundable),
    (Reason.NOT_SHIPPED, _shipped),
    (Reason.SETTLED, _not_settled),
    (Reason.ITEM_ALREADY_REFUNDED, _items_not_refunded),
    (Reason.SELLER_REJECTED_BEFORE, _items_not_rejected),
)
