"""The rule ladder of domain.md: stages in their fixed order, each looked at whole; one that turns away ends the looking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.oracle import rules, rules_of_match
from tests.oracle.fields import Json
from tests.oracle.world import Case, World

RequestRule = Callable[[World, Case], bool]
StrategyRule = Callable[[World, Case, Json], bool]

WITHOUT_THE_ORDER: list[tuple[str, RequestRule]] = [
    ("halted", rules.halted),
    ("not_refund_only", rules.not_refund_only),
    ("special_refund", rules.special_refund),
    ("not_pending", rules.not_pending),
    ("superseded", rules.superseded),
    ("currency_unsupported", rules.currency_unsupported),
    ("amount_invalid", rules.amount_invalid),
    ("strategy_missing", rules.strategy_missing),
    ("strategy_disabled", rules.none_is_enabled),
]
WITH_THE_ORDER: list[tuple[str, RequestRule]] = [
    ("amount_over_refundable", rules.amount_over_refundable),
    ("not_shipped", rules.not_shipped),
    ("settled", rules.settled),
    ("item_already_refunded", rules.item_already_refunded),
    ("seller_rejected_before", rules.seller_rejected_before),
]
PER_STRATEGY: list[tuple[str, StrategyRule]] = [
    ("strategy_disabled", rules.strategy_disabled),
    ("product_not_covered", rules.product_not_covered),
    ("order_state_not_selected", rules.order_state_not_selected),
    ("outside_state_days", rules.outside_state_days),
    ("logistics_conflict", rules.logistics_conflict),
    ("outside_execution_window", rules.outside_execution_window),
    ("over_per_order_cap", rules.over_per_order_cap),
]
ON_THE_MATCH: list[tuple[str, StrategyRule]] = [
    ("risk_flagged", rules_of_match.risk_flagged),
    ("risk_unknown", rules_of_match.risk_unknown),
    ("buyer_blocked", rules_of_match.buyer_blocked),
    ("buyer_limit", rules_of_match.buyer_limit),
    ("breaker_open", rules_of_match.breaker_open),
    ("daily_cap_reached", rules_of_match.daily_cap_reached),
    ("shop_cap_reached", rules_of_match.shop_cap_reached),
]
RUNGS_PER_STRATEGY = [name for name, _ in PER_STRATEGY]


@dataclass
class Ruling:
    """`reasons`: the deciding one first, then the other misses of the stage in ladder order. `strategy`: the match."""

    outcome: str
    reasons: list[str]
    strategy: Json | None = None
    looked_at: list[str] = field(default_factory=list)


def in_order(strategy: Json) -> tuple[int, int, int, str]:
    """Priority, then `include` before `all`, then the lower per-order cap, then strategy_id."""
    return (
        strategy["priority"],
        0 if strategy["product_scope"]["mode"] == "include" else 1,
        strategy["per_order_cap_fen"],
        strategy["strategy_id"],
    )


def rule_on(world: World, case: Case) -> Ruling:
    """The ruling on one case. 'order_unknown' is ruled like any other reason; holding is the caller's affair."""
    misses = [name for name, turns_away in WITHOUT_THE_ORDER if turns_away(world, case)]
    if misses:
        return Ruling("manual_review", misses)

    if rules.order_unknown(world, case):
        return Ruling("manual_review", ["order_unknown", *misses_without_logistics(world, case)])
    misses = [name for name, turns_away in WITH_THE_ORDER if turns_away(world, case)]
    if misses:
        return Ruling("manual_review", misses)

    matching, misses = match(world, case)
    if matching is None:
        return Ruling("manual_review", misses)

    misses = [name for name, stops in ON_THE_MATCH if stops(world, case, matching)]
    if misses:
        return Ruling("manual_review", misses, matching)
    return Ruling("auto_approve", ["approved"], matching)


def misses_without_logistics(world: World, case: Case) -> list[str]:
    """What of the order's rules can be said without its logistics: the product's own memory of the items."""
    known = ("item_already_refunded", "seller_rejected_before")
    return [name for name, turns_away in WITH_THE_ORDER if name in known and turns_away(world, case)]


def match(world: World, case: Case) -> tuple[Json | None, list[str]]:
    """The first strategy that passes its rules; else none, and the misses: the furthest first one first [51]."""
    first_misses: list[str] = []
    all_misses: set[str] = set()
    for strategy in sorted(case.strategies, key=in_order):
        misses = [name for name, turns_away in PER_STRATEGY if turns_away(world, case, strategy)]
        if not misses:
            return strategy, []
        first_misses.append(misses[0])
        all_misses.update(misses)
    deciding = max(first_misses, key=RUNGS_PER_STRATEGY.index)
    return None, [deciding, *(name for name in RUNGS_PER_STRATEGY if name in all_misses and name != deciding)]
