"""What a seller is told of a strategy before it counts."""

from __future__ import annotations

from typing import Any

import pytest

from app.commands.strategy_check import Weight, check, describe
from tests.builders import shop_cap, strategy

WINDOW = {"start": "09:00", "end": "18:00"}
INCLUDE = {"mode": "include", "product_ids": ["p-1", "p-2"]}


def told(words: list[Any]) -> str:
    return "\n".join(f"{word.weight}: {word.zh} {word.en}" for word in words)


def test_a_plain_strategy_says_what_its_cap_allows() -> None:
    words = told(describe(strategy()))
    for part in (
        "一天可退 10000 笔",
        "allows 10000 refunds",
        "¥10.00",
        "¥100,000.00",
        "全天执行",
        "All day",
        "Risk is checked",
    ):
        assert part in words


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"enabled": False}, "未开启"),
        ({"mode": "shadow"}, "影子模式"),
        ({"product_scope": INCLUDE}, "Covers 2 listed products"),
        ({"product_scope": {"excluded_product_ids": ["p-1"]}}, "all products but 1"),
        ({"order_states": {"received": {"enabled": False}}}, "已收货：不适用"),
        ({"order_states": {"received": {"enabled": True, "min_days": 1, "max_days": 7}}}, "from 1 to 7 days"),
        ({"execution_windows": [WINDOW | {"weekdays": [7, 1]}]}, "周一日"),
        ({"risk_check": False}, "not looked at"),
        ({"owner": "platform"}, "平台策略"),
    ],
)
def test_what_it_says_is_told_in_words(change: dict[str, Any], part: str) -> None:
    assert part in told(describe(strategy(**change)))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"daily_cap_fen": 0}, "daily cap is 0"),
        ({"product_scope": {"mode": "include"}}, "covers none"),
        ({"product_scope": INCLUDE | {"excluded_product_ids": ["p-1", "p-2"]}}, "Every listed product is excluded"),
        (
            {"order_states": {"received": {"enabled": False}, "shipped_not_received": {"enabled": False}}},
            "No order state",
        ),
        ({"order_states": {"received": {"enabled": True, "min_days": 8, "max_days": 7}}}, "least days are above"),
        ({"execution_windows": [WINDOW | {"weekdays": []}]}, "never runs"),
        ({"buyer_limits": {"max_per_day": 0}}, "limit is 0"),
    ],
)
def test_what_can_never_act_is_a_problem(change: dict[str, Any], part: str) -> None:
    found = check(strategy(**change))
    assert part in told([word for word in found if word.weight is Weight.PROBLEM])
    assert found[0].weight is Weight.PROBLEM


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"enabled": False}, "It is off"),
        ({"daily_cap_fen": 999}, "below the cap per order"),
        ({"product_scope": INCLUDE | {"excluded_product_ids": ["p-1"]}}, "excluded wins"),
        ({"execution_windows": [WINDOW, WINDOW | {"weekdays": []}]}, "1 windows have no weekday"),
        ({"execution_windows": [{"start": "22:00", "end": "06:00"}]}, "over midnight"),
        ({"breaker": {"max_approvals": 5, "per_minutes": 1440}}, "breaker stops it before"),
        ({"buyer_limits": {"max_per_day": 9, "max_per_30_days": 3}}, "never acts"),
        ({}, "Neither buyer limits nor a breaker"),
    ],
)
def test_what_is_perhaps_not_meant_is_a_hint(change: dict[str, Any], part: str) -> None:
    found = check(strategy(**change))
    assert part in told([word for word in found if word.weight is Weight.HINT])
    assert not [word for word in found if word.weight is Weight.PROBLEM]


@pytest.mark.parametrize(
    ("mine", "theirs", "overlap"),
    [
        ({}, {}, True),
        ({}, {"product_scope": INCLUDE}, True),
        ({"product_scope": INCLUDE}, {}, True),
        ({"product_scope": INCLUDE}, {"product_scope": {"mode": "include", "product_ids": ["p-3"]}}, False),
        ({"product_scope": INCLUDE}, {"product_scope": {"mode": "include", "product_ids": ["p-2"]}}, True),
        ({"product_scope": {"excluded_product_ids": ["p-1", "p-2"]}}, {"product_scope": INCLUDE}, False),
        ({"product_scope": INCLUDE}, {"product_scope": {"excluded_product_ids": ["p-1", "p-2"]}}, False),
        ({}, {"enabled": False}, False),
        ({}, {"mode": "shadow"}, False),
        ({}, {"deleted": True}, False),
        ({"mode": "shadow"}, {}, False),
    ],
)
def test_overlaps_with_other_live_strategies_are_told(
    mine: dict[str, Any], theirs: dict[str, Any], overlap: bool
) -> None:
    other = strategy(strategy_id="s-2", name="other", **theirs)
    assert ("Overlaps with “other”" in told(check(strategy(**mine), [other]))) is overlap


def test_a_strategy_does_not_overlap_with_its_own_earlier_version() -> None:
    assert "Overlaps" not in told(check(strategy(version=2), [strategy(version=1)]))


def test_the_cap_over_all_strategies_is_told_too() -> None:
    assert "¥10.00" in told(describe(shop_cap()))
    assert check(shop_cap()) == []
    assert "nothing is ever approved" in told(check(shop_cap(daily_cap_fen=0)))
