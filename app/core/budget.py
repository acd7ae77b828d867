"""The budget of one strategy and day: check and change in one step, and what is to be said of it.

announcement, 4 and "资金消耗"; domain [3, 4, 15-21, 52-54]. Spent = executed + reserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from schemas.cells import SpendCell
from schemas.errors import InvariantBroken
from schemas.money import Money

__all__ = [
    "ALERTS_PER_DAY_MAX", "NOTIFY_PERCENT", "RED_PERCENT", "Reservation", "consumption_percent", "execute", "fits", "is_red",
    "release", "reserve", "watch",
]  # fmt: skip

NOTIFY_PERCENT: Final = 95
"""The seller is told when consumption comes up to this (announcement; domain [15])."""
RED_PERCENT: Final = 90
"""Consumption is red above this (announcement; domain [15])."""
ALERTS_PER_DAY_MAX: Final = 3
"""domain [16, 53]"""


class Reservation(Enum):
    """Whether the amount fits the rest of the day's budget."""

    RESERVED = "reserved"
    REFUSED = "refused"


def fits(cell: SpendCell, amount: Money, cap: Money) -> bool:
    """Whether executed + reserved + amount <= cap (domain [3])."""
    return cell.executed_fen.fen + cell.reserved_fen.fen + amount.fen <= cap.fen


def reserve(cell: SpendCell, amount: Money, cap: Money) -> tuple[Reservation, SpendCell]:
    """Take `amount` from the day's budget if it `fits`; else nothing changes.

    Raises InvariantBroken for an amount that is not positive: the ladder turns those away before.
    """
    if amount.fen <= 0:
        raise InvariantBroken(f"an amount of {amount.fen} fen was about to be reserved")
    if not fits(cell, amount, cap):
        return Reservation.REFUSED, cell
    return Reservation.RESERVED, cell.model_copy(update={"reserved_fen": cell.reserved_fen + amount})


def execute(cell: SpendCell, reserved: Money, executed: Money) -> SpendCell:
    """A reservation was paid with `executed`; the rest of it is free again (domain [52])."""
    if executed > reserved:
        raise InvariantBroken(f"{executed.fen} fen executed of {reserved.fen} reserved")
    freed = release(cell, reserved)
    return freed.model_copy(update={"executed_fen": freed.executed_fen + executed})


def release(cell: SpendCell, reserved: Money) -> SpendCell:
    """A reservation ended without payment: a definite failure or cancellation (domain [18])."""
    if reserved > cell.reserved_fen:
        raise InvariantBroken(f"{reserved.fen} fen released of {cell.reserved_fen.fen} reserved")
    return cell.model_copy(update={"reserved_fen": cell.reserved_fen - reserved})


@dataclass(frozen=True, slots=True)
class Watched:
    """The cell after a look at its consumption; `notify` = the seller is to be told now."""

    cell: SpendCell
    notify: bool


def watch(cell: SpendCell, cap: Money) -> Watched:
    """Look at the consumption after a change of spend or cap (domain [15, 16, 53]).

    At 95 % or more and armed: notify, at most 3 a day, and disarm. Below: arm. With a cap of 0: never.
    """
    if cap.fen == 0:
        return Watched(cell, notify=False)
    if cell.spent.fen * 100 < NOTIFY_PERCENT * cap.fen:
        return Watched(cell if cell.armed else cell.model_copy(update={"armed": True}), notify=False)
    if not cell.armed:
        return Watched(cell, notify=False)
    notify = cell.alerts < ALERTS_PER_DAY_MAX
    return Watched(cell.model_copy(update={"armed": False, "alerts": cell.alerts + notify}), notify=notify)


def consumption_percent(spent: Money, cap: Money) -> str | None:
    """Consumption with two decimals, truncated: "95.20" (domain [15]). None for a cap of 0."""
    if cap.fen == 0:
        return None
    whole, hundredths = divmod(spent.fen * 10_000 // cap.fen, 100)
    return f"{whole}.{hundredths:02d}"


def is_red(spent: Money, cap: Money) -> bool:
    """Whether consumption is shown in red: above 90 %, 90.00 % is normal (domain [15])."""
    return spent.fen * 100 > RED_PERCENT * cap.fen
