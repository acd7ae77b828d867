"""The decision: `match` climbs the first three stages, `grant` the last one. Both are pure.

match(request, shop facts, at)            -> Matching: turned away, to be held, or the strategy that matched
grant(request, strategy, grant facts, at) -> Grant: turned away, or the budget with the amount reserved
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core import budget, buyer_limits, ticks
from app.core.facts import GrantFacts, ShopFacts
from app.core.grant_rules import GRANT_STAGE, GrantView
from app.core.ladder import Finding, first_miss, look_at, misses
from app.core.order_rules import ORDER_STAGE, OrderStageView
from app.core.order_view import approved_before, is_future, view_order
from app.core.request_rules import REQUEST_STAGE, RequestView
from app.core.strategy_rules import STRATEGY_STAGE, StrategyView, ladder_order
from schemas.cells import BreakerCell, BuyerCell, SpendCell
from schemas.errors import InvariantBroken
from schemas.events import AfterSaleRequest, StrategyConfig
from schemas.times import SpendDay, to_micros
from schemas.vocabulary import Reason

__all__ = ["Grant", "Granted", "Matching", "grant", "match"]


@dataclass(frozen=True, slots=True)
class Matching:
    """How far the request came. Either `strategy` is set, or `reasons` says why none matched (deciding one first)."""

    strategy: StrategyConfig | None
    reasons: tuple[Reason, ...]
    trace: tuple[Finding, ...]

    @property
    def order_unknown(self) -> bool:
        """Whether waiting for the order's logistics may change the outcome (domain [43])."""
        return self.reasons[:1] == (Reason.ORDER_UNKNOWN,)


def match(request: AfterSaleRequest, facts: ShopFacts, at: datetime) -> Matching:
    """The first strategy in ladder order that passes every rule of its stage (domain [22, 23])."""
    trace = look_at(REQUEST_STAGE, RequestView(request, facts))
    if first_miss(trace) is not None:
        return Matching(None, tuple(misses(trace)), tuple(trace))

    logistics = facts.order.logistics
    known = logistics is not None and not is_future(logistics, at)
    seen = view_order(facts.order, logistics, request) if logistics is not None and known else None
    looked = look_at(ORDER_STAGE, OrderStageView(request, at, facts.order, seen))
    trace += looked
    if seen is None or first_miss(looked) is not None:
        return Matching(None, tuple(misses(looked)), tuple(trace))

    before = approved_before(facts.order)
    furthest = -1
    deciding: Reason | None = None
    missed: set[Reason] = set()
    for strategy in sorted(facts.strategies, key=ladder_order):
        looked = look_at(STRATEGY_STAGE, StrategyView(request, seen, before, strategy), strategy.strategy_id)
        trace += looked
        rung = first_miss(looked)
        if rung is None:
            return Matching(strategy, (), tuple(trace))
        missed.update(misses(looked))
        if rung > furthest:
            furthest, deciding = rung, looked[rung].rule
    others = [rule for rule, _ in STRATEGY_STAGE if rule in missed and rule is not deciding]
    return Matching(None, (*([deciding] if deciding else []), *others), tuple(trace))


@dataclass(frozen=True, slots=True)
class Granted:
    """The cells as an approval leaves them."""

    spend: SpendCell
    shop_spend: SpendCell
    buyer: BuyerCell
    breaker: BreakerCell | None
    """None = the strategy has no breaker."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The last stage's outcome: `granted`, or `reasons` (deciding one first). `trips` = the breaker trips by this."""

    granted: Granted | None
    reasons: tuple[Reason, ...]
    trace: tuple[Finding, ...]
    trips: bool


def grant(request: AfterSaleRequest, strategy: StrategyConfig, facts: GrantFacts, at: datetime) -> Grant:
    """Approve the request on the strategy that matched, and reserve its amount; or say why not."""
    trace = tuple(look_at(GRANT_STAGE, GrantView(request, at, strategy, facts), strategy.strategy_id))
    reasons = tuple(misses(trace))
    if reasons:
        trips = reasons[0] is Reason.BREAKER_OPEN and not facts.breaker.tripped
        return Grant(None, reasons, trace, trips)
    verdict, spend = budget.reserve(facts.spend, request.amount_fen, strategy.daily_cap_fen)
    if verdict is budget.Reservation.REFUSED:
        raise InvariantBroken("the ladder let an amount pass that its budget refuses")
    shop_spend = facts.shop_spend.model_copy(
        update={"reserved_fen": facts.shop_spend.reserved_fen + request.amount_fen}
    )
    granted = Granted(
        spend=spend,
        shop_spend=shop_spend,
        buyer=buyer_limits.counted(facts.buyer, request.amount_fen, SpendDay.of(at)),
        breaker=_counted(strategy, facts.breaker, to_micros(at)),
    )
    return Grant(granted, (Reason.APPROVED,), trace, trips=False)


def _counted(strategy: StrategyConfig, cell: BreakerCell, at: int) -> BreakerCell | None:
    if strategy.breaker is None:
        return None
    window = strategy.breaker.per_minutes * ticks.MICROS_PER_MINUTE
    return cell.model_copy(update={"recent": ticks.add(ticks.within(cell.recent, at, window), at)})
