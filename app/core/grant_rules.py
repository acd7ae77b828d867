"""Stage 4: risk, buyer, breaker and budgets, on the strategy that matched. A stop here is final."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from app.core import budget, buyer_limits, ticks
from app.core.facts import GrantFacts
from app.core.ladder import Look, Rule
from schemas.cells import SpendCell
from schemas.events import AfterSaleRequest, StrategyConfig
from schemas.money import Money
from schemas.times import SpendDay, to_micros
from schemas.vocabulary import Reason, RiskLevel

__all__ = ["GRANT_STAGE", "GrantView", "recent_approvals"]


class GrantView(NamedTuple):
    """What this stage looks at."""

    request: AfterSaleRequest
    at: datetime
    strategy: StrategyConfig
    facts: GrantFacts


def _risk_normal(view: GrantView) -> Look:
    """announcement, 5; domain [29]"""
    if not view.strategy.risk_check or view.request.risk is None:
        return Look(True, None, RiskLevel.NORMAL)
    return Look(view.request.risk.level is RiskLevel.NORMAL, view.request.risk.level, RiskLevel.NORMAL)


def _risk_known(view: GrantView) -> Look:
    """domain [29]"""
    return Look(not view.strategy.risk_check or view.request.risk is not None, view.request.risk is not None, True)


def _buyer_not_blocked(view: GrantView) -> Look:
    at = to_micros(view.at)
    found = buyer_limits.blocked(view.facts.buyer, at) or buyer_limits.blocked(view.facts.buyer_everywhere, at)
    return Look(found is None, found, None)


def _within_buyer_limits(view: GrantView) -> Look:
    """domain [37]"""
    day = SpendDay.of(view.at)
    found = buyer_limits.breach(view.facts.buyer, view.strategy.buyer_limits, view.request.amount_fen, day)
    return Look(found is None, found, None)


def recent_approvals(view: GrantView) -> int:
    """Approvals of this version of the strategy in the last minutes of its breaker (domain [56])."""
    breaker = view.strategy.breaker
    if breaker is None:
        return 0
    window = breaker.per_minutes * ticks.MICROS_PER_MINUTE
    return ticks.count(ticks.within(view.facts.breaker.recent, to_micros(view.at), window))


def _breaker_closed(view: GrantView) -> Look:
    """domain [39, 56]"""
    breaker = view.strategy.breaker
    if breaker is None:
        return Look(True, None, None)
    needed = f"fewer than {breaker.max_approvals} in {breaker.per_minutes} minutes"
    if view.facts.breaker.tripped:
        return Look(False, "tripped before", needed)
    found = recent_approvals(view)
    return Look(found < breaker.max_approvals, found, needed)


def _within_daily_cap(view: GrantView) -> Look:
    """announcement, 4; domain [3, 4, 20]"""
    return _within(view.facts.spend, view.request.amount_fen, view.strategy.daily_cap_fen)


def _within_shop_cap(view: GrantView) -> Look:
    """domain [38, 55]"""
    cap = view.facts.shop_cap
    if cap is None or cap.deleted:
        return Look(True, None, None)
    return _within(view.facts.shop_spend, view.request.amount_fen, cap.daily_cap_fen)


def _within(spend: SpendCell, amount: Money, cap: Money) -> Look:
    return Look(budget.fits(spend, amount, cap), spend.spent.fen + amount.fen, cap.fen)


GRANT_STAGE: Final[tuple[Rule[GrantView], ...]] = (
    (Reason.RISK_FLAGGED, _risk_normal),
    (Reason.RISK_UNKNOWN, _risk_known),
    (Reason.BUYER_BLOCKED, _buyer_not_blocked),
    (Reason.BUYER_LIMIT, _within_buyer_limits),
    (Reason.BREAKER_OPEN, _breaker_closed),
    (Reason.DAILY_CAP_REACHED, _within_daily_cap),
    (Reason.SHOP_CAP_REACHED, _within_shop_cap),
)
