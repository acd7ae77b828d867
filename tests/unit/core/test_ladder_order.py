"""Which strategy is tried first, which one decides where none matches (domain [22, 23, 51])."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.decide import match
from app.core.order_view import OrderView
from app.core.strategy_rules import STRATEGY_STAGE, StrategyView, ladder_order
from schemas.events import StrategyConfig
from schemas.money import ZERO, Money
from schemas.vocabulary import LookResult, OrderState, Reason
from tests.builders import AT, request, shop_facts, strategy

INCLUDE = {"mode": "include", "product_ids": ["p-1"]}


def named(strategy_id: str, **change: Any) -> StrategyConfig:
    return strategy(strategy_id=strategy_id, **change)


ORDERED = [
    (named("b", priority=1), named("a", priority=2)),
    (named("b", priority=-1), named("a", priority=0)),
    (named("b", product_scope=INCLUDE), named("a")),
    (named("b", per_order_cap_fen=999), named("a", per_order_cap_fen=1000)),
    (named("a"), named("b")),
    (named("b", priority=1, per_order_cap_fen=2000), named("a", priority=2, product_scope=INCLUDE)),
    (named("b", product_scope=INCLUDE, per_order_cap_fen=2000), named("a", per_order_cap_fen=600)),
]


@pytest.mark.parametrize(("first", "second"), ORDERED)
def test_priority_then_include_then_the_lower_cap_then_the_name(first: StrategyConfig, second: StrategyConfig) -> None:
    assert ladder_order(first) < ladder_order(second)
    for strategies in ((first, second), (second, first)):
        found = match(request(), shop_facts(strategies=strategies), AT)
        assert found.strategy == first
        assert not [one for one in found.trace if one.strategy_id == second.strategy_id]


def test_a_strategy_that_does_not_match_leaves_the_request_to_the_next() -> None:
    closed = named("a", enabled=False)
    found = match(request(), shop_facts(strategies=(closed, named("b"))), AT)
    assert found.strategy == named("b")
    assert [one.rule for one in found.trace if one.result is LookResult.MISS] == [Reason.STRATEGY_DISABLED]


NIGHT = {"execution_windows": [{"start": "01:00", "end": "02:00"}]}
DISABLED = named("a", enabled=False)
NOT_COVERED = named("b", product_scope={"mode": "include"})
SHUT = named("c", **NIGHT)
TOO_SMALL = named("d", per_order_cap_fen=499)
NOT_COVERED_AND_TOO_SMALL = named("e", product_scope={"mode": "include"}, per_order_cap_fen=499)


@pytest.mark.parametrize(
    ("strategies", "reasons"),
    [
        ([DISABLED, NOT_COVERED], [Reason.PRODUCT_NOT_COVERED, Reason.STRATEGY_DISABLED]),
        ([SHUT, NOT_COVERED], [Reason.OUTSIDE_EXECUTION_WINDOW, Reason.PRODUCT_NOT_COVERED]),
        ([SHUT, TOO_SMALL], [Reason.OVER_PER_ORDER_CAP, Reason.OUTSIDE_EXECUTION_WINDOW]),
        ([NOT_COVERED_AND_TOO_SMALL], [Reason.PRODUCT_NOT_COVERED, Reason.OVER_PER_ORDER_CAP]),
        (
            [NOT_COVERED_AND_TOO_SMALL, SHUT],
            [Reason.OUTSIDE_EXECUTION_WINDOW, Reason.PRODUCT_NOT_COVERED, Reason.OVER_PER_ORDER_CAP],
        ),
        (
            [DISABLED, NOT_COVERED, SHUT, TOO_SMALL],
            [
                Reason.OVER_PER_ORDER_CAP, Reason.STRATEGY_DISABLED, Reason.PRODUCT_NOT_COVERED,
                Reason.OUTSIDE_EXECUTION_WINDOW,
            ],
        ),
    ],
)  # fmt: skip
def test_where_none_matches_the_miss_furthest_down_decides_51(
    strategies: list[StrategyConfig], reasons: list[Reason]
) -> None:
    for order in (strategies, strategies[::-1]):
        found = match(request(), shop_facts(strategies=tuple(order)), AT)
        assert found.strategy is None
        assert list(found.reasons) == reasons


@given(st.permutations([DISABLED, NOT_COVERED, SHUT, TOO_SMALL, named("z", priority=200), named("y")]))
def test_the_order_in_which_strategies_became_known_does_not_matter(strategies: list[StrategyConfig]) -> None:
    assert match(request(), shop_facts(strategies=tuple(strategies)), AT).strategy == named("y")


def test_without_an_anchor_the_days_are_unknown() -> None:
    unanchored = OrderView(True, OrderState.SHIPPED_NOT_RECEIVED, None, None, Money(5000), None)
    (look,) = (look for rule, look in STRATEGY_STAGE if rule is Reason.OUTSIDE_STATE_DAYS)
    found = look(StrategyView(request(), unanchored, ZERO, strategy()))
    assert (found.passed, found.needed) == (None, "0 to settlement days")
