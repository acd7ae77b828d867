"""Buyer limits: approvals of one buyer in one shop, by decision time (domain [37])."""

from __future__ import annotations

from typing import Final

from schemas.cells import BuyerCell
from schemas.events.strategies import BuyerLimits
from schemas.money import Money
from schemas.times import SpendDay, format_time, from_micros

__all__ = ["BUYER_DAYS", "blocked", "breach", "counted"]

BUYER_DAYS: Final = 30
"""Civil days that count, today included."""


def counted(cell: BuyerCell, amount: Money, day: SpendDay) -> BuyerCell:
    """The cell with one more approval; days that no limit can ask for any more are left out."""
    oldest = day.minus(BUYER_DAYS - 1)
    days = {known: spent for known, spent in cell.days.items() if known >= oldest}
    number, fen = days.get(day, (0, 0))
    days[str(day)] = (number + 1, fen + amount.fen)
    return cell.model_copy(update={"days": days})


def breach(cell: BuyerCell, limits: BuyerLimits | None, amount: Money, day: SpendDay) -> str | None:
    """Which limit one more approval of `amount` would exceed, in words; None = none."""
    if limits is None:
        return None
    oldest = day.minus(BUYER_DAYS - 1)
    recent = [spent for known, spent in cell.days.items() if oldest <= known <= day]
    today = cell.days.get(day, (0, 0))[0]
    number, fen = sum(spent[0] for spent in recent), sum(spent[1] for spent in recent)
    if limits.max_per_day is not None and today + 1 > limits.max_per_day:
        return f"{today} today, at most {limits.max_per_day}"
    if limits.max_per_30_days is not None and number + 1 > limits.max_per_30_days:
        return f"{number} in {BUYER_DAYS} days, at most {limits.max_per_30_days}"
    most = limits.max_amount_per_30_days_fen
    if most is not None and fen + amount.fen > most.fen:
        return f"{fen} fen in {BUYER_DAYS} days, at most {most.fen}"
    return None


def blocked(cell: BuyerCell, at: int) -> str | None:
    """Until when the buyer is blocked at the instant `at` (microseconds), in words; None = not blocked."""
    if not cell.blocked:
        return None
    if cell.blocked_until is None:
        return "blocked for good"
    return f"blocked until {format_time(from_micros(cell.blocked_until))}" if at < cell.blocked_until else None
