"""The ladder: its order is the product (domain, "The rule ladder")."""

from __future__ import annotations

from app.core.grant_rules import GRANT_STAGE
from app.core.ladder import Look, first_miss, look_at, misses, unknown
from app.core.order_rules import ORDER_STAGE
from app.core.request_rules import REQUEST_STAGE
from app.core.strategy_rules import STRATEGY_STAGE
from schemas.vocabulary import LookResult, Reason

REQUEST_WIDE = (
    "halted not_refund_only special_refund not_pending superseded currency_unsupported amount_invalid strategy_missing"
    " strategy_disabled order_unknown amount_over_refundable not_shipped settled item_already_refunded"
    " seller_rejected_before"
)
PER_STRATEGY = (
    "strategy_disabled product_not_covered order_state_not_selected outside_state_days logistics_conflict"
    " outside_execution_window over_per_order_cap"
)
ON_THE_MATCH = "risk_flagged risk_unknown buyer_blocked buyer_limit breaker_open daily_cap_reached shop_cap_reached"


def test_the_rungs_stand_in_the_documented_order() -> None:
    assert [str(rule) for rule, _ in (*REQUEST_STAGE, *ORDER_STAGE)] == REQUEST_WIDE.split()
    assert [str(rule) for rule, _ in STRATEGY_STAGE] == PER_STRATEGY.split()
    assert [str(rule) for rule, _ in GRANT_STAGE] == ON_THE_MATCH.split()


def test_every_reason_but_approved_has_its_rung() -> None:
    assert set(f"{REQUEST_WIDE} {PER_STRATEGY} {ON_THE_MATCH}".split()) == {*map(str, Reason)} - {"approved"}


def test_a_stage_is_looked_at_whole_and_in_order() -> None:
    stage = (
        (Reason.HALTED, lambda facts: Look(facts > 0, facts, 1)),
        (Reason.SETTLED, lambda _: unknown("a time")),
        (Reason.APPROVED, lambda _: Look(True)),
        (Reason.SUPERSEDED, lambda facts: Look(facts > 1, facts, 2)),
    )
    found = look_at(stage, 0, "s-1")
    assert found == [
        ("s-1", Reason.HALTED, LookResult.MISS, 0, 1),
        ("s-1", Reason.SETTLED, LookResult.UNKNOWN, None, "a time"),
        ("s-1", Reason.APPROVED, LookResult.HIT, None, None),
        ("s-1", Reason.SUPERSEDED, LookResult.MISS, 0, 2),
    ]
    assert misses(found) == [Reason.HALTED, Reason.SUPERSEDED]
    assert first_miss(found) == 0
    assert first_miss(look_at(stage, 1)) == 3
    assert first_miss(look_at(stage, 2)) is None


def test_what_could_not_be_looked_at_is_no_miss() -> None:
    found = look_at(((Reason.SETTLED, lambda _: unknown()),), None)
    assert first_miss(found) is None
    assert misses(found) == []
