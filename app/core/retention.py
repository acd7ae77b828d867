"""When a cell may be forgotten: once no rule can ask for it any more (see the settings *_days).

Whatever money still hangs on is kept: a reservation without a result, an order on which something was approved or rejected
and that is not settled. So forgetting never makes an approval possible that would not have been before; at the worst a
request that comes after years goes to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.buyer_limits import BUYER_DAYS
from schemas.cells import BuyerCell, OrderCell, RequestCell, SpendCell
from schemas.times import SpendDay, to_micros
from schemas.vocabulary import Outcome

__all__ = ["Retention", "buyer_over", "order_over", "request_over", "spend_over"]

_DAY_MICROS: Final = 24 * 60 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days the tables remember."""

    spend_days: int = 400
    """A day's spend, once all its reservations have their results."""
    request_days: int = 60
    """A request of which no version was approved, since it was last seen: longer than inputs are kept, so no repeat can come."""
    order_days: int = 180
    """An order after its settlement, or after its last news where nothing was approved or rejected; approved requests too."""


def spend_over(cell: SpendCell, day: str, today: SpendDay, retention: Retention, *, shadow: bool) -> bool:
    """Whether a strategy's day is over and past. What a shadow strategy reserved never gets a result (domain [18, 36])."""
    return day < today.minus(retention.spend_days) and (shadow or cell.reserved_fen.fen == 0)


def buyer_over(cell: BuyerCell, at: datetime, today: SpendDay) -> bool:
    """Whether no limit counts a day of it any more, and the buyer is not blocked (domain [29, 37])."""
    counted = any(day >= today.minus(BUYER_DAYS - 1) for day in cell.days)
    blocked = cell.blocked and (cell.blocked_until is None or cell.blocked_until > to_micros(at))
    return not counted and not blocked


def request_over(cell: RequestCell, at: datetime, retention: Retention, *, reserved: bool) -> bool:
    """Whether the request was not seen for long. `reserved` = a version of it was approved and has no result yet, or it is held."""
    if reserved or cell.seen_at is None:
        return False
    approved = any(version.outcome is Outcome.AUTO_APPROVE for version in cell.versions.values())
    days = max(retention.request_days, retention.order_days) if approved else retention.request_days
    return cell.seen_at + days * _DAY_MICROS < to_micros(at)


def order_over(cell: OrderCell, at: datetime, retention: Retention, *, remembered: bool) -> bool:
    """Whether the order was settled long ago (nothing on it can be approved since, domain [14]), or is of no interest.

    `remembered` = a request that was approved on it is still in its table: a result may yet ask for both.
    """
    if remembered or cell.held_request_ids or cell.logistics is None:
        return False
    if any(approval.status is None for approval in cell.approvals):
        return False
    long_ago = at - timedelta(days=retention.order_days)
    settled = cell.logistics.settled_at
    if settled is not None and settled < long_ago:
        return True
    marked = cell.approvals or cell.rejected_item_ids or cell.all_rejected
    return not marked and max(cell.logistics.updated_at, settled or cell.logistics.updated_at) < long_ago
