"""Stage 3: whether one strategy covers the request; and the order in which strategies are tried (domain [22-25])."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from app.core import windows
from app.core.ladder import Look, Rule, unknown
from app.core.order_view import OrderView
from schemas.events import AfterSaleRequest, StrategyConfig
from schemas.events.strategies import StateDays
from schemas.money import Money
from schemas.times import format_time
from schemas.vocabulary import OrderState, ProductMode, Reason

__all__ = ["STRATEGY_STAGE", "StrategyView", "ladder_order"]

MICROS_PER_DAY: Final = 24 * 3600 * 1_000_000
MICROSECOND: Final = timedelta(microseconds=1)


class StrategyView(NamedTuple):
    """What this stage looks at."""

    request: AfterSaleRequest
    seen: OrderView
    approved_before: Money
    strategy: StrategyConfig


def ladder_order(strategy: StrategyConfig) -> tuple[int, bool, int, str]:
    """Sort key: priority, then `include` before `all`, then the lower per-order cap, then strategy_id."""
    return (
        strategy.priority,
        strategy.product_scope.mode is ProductMode.ALL,
        strategy.per_order_cap_fen.fen,
        strategy.strategy_id,
    )


def _enabled(view: StrategyView) -> Look:
    return Look(view.strategy.enabled, view.strategy.enabled, True)


def _covers_products(view: StrategyView) -> Look:
    """domain [24, 25]"""
    scope = view.strategy.product_scope
    for item in view.request.items:
        listed = scope.mode is ProductMode.ALL or item.product_id in scope.product_ids
        if not listed or item.product_id in scope.excluded_product_ids:
            return Look(False, item.product_id, scope.mode)
    return Look(True, None, scope.mode)


def _days(view: StrategyView) -> StateDays:
    states = view.strategy.order_states
    return states.received if view.seen.state is OrderState.RECEIVED else states.shipped_not_received


def _covers_state(view: StrategyView) -> Look:
    """announcement, 2"""
    return Look(_days(view).enabled, view.seen.state, "selected")


def _within_days(view: StrategyView) -> Look:
    """domain [9, 47, 59]: in microseconds, both edges included."""
    days = _days(view)
    needed = f"{days.min_days or 0} to {'settlement' if days.max_days is None else days.max_days} days"
    if view.seen.anchor is None:
        return unknown(needed)
    passed = (view.request.applied_at - view.seen.anchor) // MICROSECOND
    inside = passed >= (days.min_days or 0) * MICROS_PER_DAY and (
        days.max_days is None or passed <= days.max_days * MICROS_PER_DAY
    )
    return Look(inside, f"since {format_time(view.seen.anchor)}", needed)


def _no_conflict(view: StrategyView) -> Look:
    """domain [12, 48]"""
    return Look(view.seen.conflict is None, view.seen.conflict, None)


def _in_window(view: StrategyView) -> Look:
    """domain [7, 8]"""
    open_hours = view.strategy.execution_windows
    if not open_hours:
        return Look(True, None, windows.ALL_DAY)
    return Look(
        windows.inside(open_hours, view.request.applied_at),
        format_time(view.request.applied_at),
        windows.describe(open_hours),
    )


def _within_per_order_cap(view: StrategyView) -> Look:
    """domain [1, 2]"""
    total = view.request.amount_fen + view.approved_before
    return Look(total <= view.strategy.per_order_cap_fen, total.fen, view.strategy.per_order_cap_fen.fen)


STRATEGY_STAGE: Final[tuple[Rule[StrategyView], ...]] = (
    (Reason.STRATEGY_DISABLED, _enabled),
    (Reason.PRODUCT_NOT_COVERED, _covers_products),
    (Reason.ORDER_STATE_NOT_SELECTED, _covers_state),
    (Reason.OUTSIDE_STATE_DAYS, _within_days),
    (Reason.LOGISTICS_CONFLICT, _no_conflict),
    (Reason.OUTSIDE_EXECUTION_WINDOW, _in_window),
    (Reason.OVER_PER_ORDER_CAP, _within_per_order_cap),
)
