"""Decisions spend budgets: the day's, the shop's, the buyer's, the breaker's; and what is said of it."""

from __future__ import annotations

from typing import Any

from schemas.times import format_time
from tests.builders import (
    buyer_list_value,
    item_value,
    later,
    logistics_value,
    parcel_value,
    request_value,
    shop_cap_value,
    spend,
    strategy_value,
)
from tests.lane import Lane, verdict

REQUEST, LOGISTICS, STRATEGY = "after-sale-request", "order-logistics", "strategy-config"
ITEMS = [f"oi-{n}" for n in range(30)]
OK = ("auto_approve", "approved")


def shop(*configs: dict[str, Any], **setup: Any) -> Lane:
    """A lane that knows one order of many items, and the default strategy with this setup, or these configs."""
    told = logistics_value(paid_fen=10**6, parcels=[parcel_value(order_item_ids=ITEMS)])
    lane = Lane().feed(LOGISTICS, told)
    for config in configs or (strategy_value(**setup),):
        lane.feed(STRATEGY, config)
    return lane


def ask(lane: Lane, number: int, amount: int = 100, **by: float) -> tuple[str, str]:
    """The number-th request, over an item of its own, on an order of its own."""
    at = later(**by)
    lane.feed(LOGISTICS, logistics_value(order_id=f"o-{number}", paid_fen=amount), at=at)
    value = request_value(
        request_id=f"r-{number}", order_id=f"o-{number}", amount_fen=amount, applied_at=format_time(at)
    )
    return verdict(lane.feed(REQUEST, value, at=at).decision)


def kinds(lane: Lane) -> list[str]:
    return [alert["kind"] for alert in lane.alerts]


def test_a_decision_says_what_was_spent_before_and_after() -> None:
    lane = shop(daily_cap_fen=1000)
    ask(lane, 1, 600)
    spent = [lane.decision[f"spent_{when}_fen"] for when in ("before", "after")]
    assert (spent, lane.decision["spend_day"], lane.decision["daily_cap_fen"]) == ([0, 600], "2026-11-23", 1000)
    assert ask(lane, 2, 401) == ("manual_review", "daily_cap_reached")
    spent = [lane.decision[f"spent_{when}_fen"] for when in ("before", "after")]
    assert (spent, lane.decision["strategy_id"], lane.decision["strategy_version"]) == ([600, 600], "s-1", 1)
    assert ask(lane, 3, 400) == OK


def test_a_decision_without_a_match_names_no_strategy_and_no_spend_51() -> None:
    lane = shop(enabled=False)
    ask(lane, 1)
    strategy_only = {
        "strategy_id",
        "strategy_version",
        "spend_day",
        "spent_before_fen",
        "spent_after_fen",
        "daily_cap_fen",
    }
    assert not strategy_only & lane.decision.keys()
    assert lane.decision["provenance"] == "none"


def test_a_stop_is_final_and_spends_no_other_strategys_budget() -> None:
    first = strategy_value(strategy_id="a", priority=1, daily_cap_fen=0)
    assert ask(shop(first, strategy_value(strategy_id="b")), 1) == ("manual_review", "daily_cap_reached")


def test_the_day_is_that_of_the_decision_and_each_has_its_own_budget_5_6() -> None:
    lane = shop(daily_cap_fen=100)
    assert ask(lane, 1, hours=13, minutes=59, seconds=59) == OK
    assert ask(lane, 2, hours=13, minutes=59, seconds=59) == ("manual_review", "daily_cap_reached")
    assert ask(lane, 3, hours=14) == OK
    assert lane.decision["spend_day"] == "2026-11-24"


def test_the_seller_is_told_on_the_way_over_95_percent_15() -> None:
    lane = shop(daily_cap_fen=1000)
    told = []
    for number, amount in enumerate((890, 60, 10)):
        ask(lane, number, amount)
        told.append(kinds(lane))
    assert told == [[], ["spend_threshold"], []]


def test_the_first_request_turned_away_by_the_cap_is_told_once_a_day_54() -> None:
    lane = shop(daily_cap_fen=100)
    told = []
    for number in range(3):
        ask(lane, number, 101)
        told.append(kinds(lane))
    assert told == [["cap_reached"], [], []]
    ask(lane, 9, 101, days=1)
    assert kinds(lane) == ["cap_reached"]


def test_the_shop_cap_sums_all_strategies_and_is_told_once_a_day_38_54_55() -> None:
    small = strategy_value(strategy_id="a", priority=1, per_order_cap_fen=300, owner="platform")
    lane = shop(small, strategy_value(strategy_id="b"), shop_cap_value(daily_cap_fen=1000))
    assert ask(lane, 1, 300) == OK
    assert ask(lane, 2, 600) == OK
    assert ask(lane, 3, 101) == ("manual_review", "shop_cap_reached")
    (alert,) = lane.alerts
    assert (alert["kind"], alert["spent_fen"], alert["daily_cap_fen"]) == ("cap_reached", 900, 1000)
    assert "strategy_id" not in alert
    assert ask(lane, 4, 101) == ("manual_review", "shop_cap_reached")
    assert lane.alerts == []
    assert lane.tables.daily_spend.of_shop("shop-1", "2026-11-23").spent.fen == 900


def test_where_both_caps_are_reached_the_strategys_decides_and_only_it_is_told_54() -> None:
    lane = shop(strategy_value(daily_cap_fen=50), shop_cap_value(daily_cap_fen=50))
    ask(lane, 1)
    assert lane.decision["reasons"] == ["daily_cap_reached", "shop_cap_reached"]
    assert [alert.get("strategy_id") for alert in lane.alerts] == ["s-1"]


def test_splitting_an_order_does_not_help_2() -> None:
    lane = shop(per_order_cap_fen=1000)
    verdicts = []
    for number, amount in enumerate((600, 401, 400)):
        item = item_value(order_item_id=ITEMS[number])
        lane.feed(REQUEST, request_value(request_id=f"r-{number}", amount_fen=amount, items=[item]))
        verdicts.append(verdict(lane.decision))
    assert verdicts == [OK, ("manual_review", "over_per_order_cap"), OK]


def test_a_buyer_has_a_day_and_thirty_days_37() -> None:
    lane = shop(buyer_limits={"max_per_day": 2, "max_per_30_days": 3})
    assert [ask(lane, n)[1] for n in range(3)] == ["approved", "approved", "buyer_limit"]
    assert [ask(lane, 10 + n, days=1)[1] for n in range(2)] == ["approved", "buyer_limit"]
    assert ask(lane, 20, days=29) == ("manual_review", "buyer_limit")
    assert ask(lane, 21, days=30) == OK


def test_a_breaker_trips_alerts_once_and_stays_until_a_newer_version_39_56() -> None:
    breaker = {"breaker": {"max_approvals": 2, "per_minutes": 10}}
    lane = shop(**breaker)
    assert [ask(lane, n) for n in range(2)] == [OK, OK]
    assert ask(lane, 2) == ("manual_review", "breaker_open")
    assert kinds(lane) == ["breaker_tripped"]
    assert ask(lane, 3, hours=2) == ("manual_review", "breaker_open")
    assert lane.alerts == []
    lane.feed(STRATEGY, strategy_value(version=2, **breaker))
    assert ask(lane, 4, hours=2) == OK


def test_a_breaker_lets_a_steady_trickle_pass_56() -> None:
    lane = shop(breaker={"max_approvals": 2, "per_minutes": 10})
    assert [ask(lane, n, minutes=6 * n) for n in range(5)] == [OK] * 5


def test_a_shadow_strategy_is_heard_and_spends_only_its_own_imagined_budget_36() -> None:
    live = strategy_value(daily_cap_fen=100)
    lane = shop(live, strategy_value(strategy_id="s-2", version=4, mode="shadow", daily_cap_fen=200))
    assert ask(lane, 1) == OK
    assert lane.decision["shadow"] == [
        {"strategy_id": "s-2", "version": 4, "outcome": "auto_approve", "reasons": ["approved"]}
    ]
    assert ask(lane, 2) == ("manual_review", "daily_cap_reached")
    assert lane.decision["shadow"][0]["outcome"] == "auto_approve"
    ask(lane, 3)
    assert lane.decision["shadow"][0]["reasons"] == ["daily_cap_reached"]
    spent = lane.tables.daily_spend
    assert spent.of("shop-1", "s-2", "2026-11-23") == spend()
    assert spent.of("shop-1", "s-2", "2026-11-23", shadow=True) == spend(0, 200)
    assert spent.of_shop("shop-1", "2026-11-23").spent.fen == 100


def test_shadow_strategies_alert_nothing_and_count_for_no_buyer_36() -> None:
    shadow = strategy_value(mode="shadow", daily_cap_fen=100, breaker={"max_approvals": 1, "per_minutes": 10})
    lane = shop(shadow)
    heard = []
    for number in range(2):
        assert ask(lane, number) == ("manual_review", "strategy_missing")
        assert lane.alerts == []
        heard.append(lane.decision["shadow"][0]["reasons"])
    assert heard == [["approved"], ["breaker_open", "daily_cap_reached"]]
    assert lane.tables.breakers.of("shop-1", "s-1", 1, shadow=True).tripped
    assert ask(lane, 3, hours=1) == ("manual_review", "strategy_missing")
    assert lane.decision["shadow"][0]["reasons"] == ["breaker_open", "daily_cap_reached"]
    assert lane.tables.buyers.of("shop-1", "b-1").days == {}


def test_a_shadow_strategy_says_why_it_would_not_match_36() -> None:
    lane = shop(strategy_value(), strategy_value(strategy_id="s-2", mode="shadow", per_order_cap_fen=99))
    ask(lane, 1)
    assert lane.decision["shadow"][0] == {
        "strategy_id": "s-2", "version": 1, "outcome": "manual_review", "reasons": ["over_per_order_cap"],
    }  # fmt: skip


def test_shadows_are_listed_in_ladder_order_36() -> None:
    shadows = [strategy_value(strategy_id=name, mode="shadow", priority=rank) for name, rank in (("a", 3), ("b", 1))]
    lane = shop(*shadows)
    ask(lane, 1)
    assert [one["strategy_id"] for one in lane.decision["shadow"]] == ["b", "a"]


def test_the_trace_names_every_rule_looked_at_and_what_it_saw() -> None:
    lane = shop()
    ask(lane, 1, 900)
    trace = {entry["rule"]: entry for entry in lane.decision["trace"]}
    assert len(lane.decision["trace"]) == 29
    assert trace["over_per_order_cap"] == {
        "strategy_id": "s-1", "rule": "over_per_order_cap", "result": "hit", "found": 900, "needed": 1000,
    }  # fmt: skip
    assert trace["halted"] == {"rule": "halted", "result": "hit", "found": False, "needed": False}


def test_the_approved_fen_are_counted() -> None:
    lane = shop(daily_cap_fen=1000)
    for number, amount in enumerate((300, 400, 500)):
        ask(lane, number, amount)
    assert lane.tally["approved_fen",] == 700
    assert lane.tally["decisions", "auto_approve", "approved"] == 2


def test_a_buyer_blocked_in_one_shop_counts_on_in_it() -> None:
    lane = shop(buyer_limits={"max_per_day": 1})
    ask(lane, 1)
    lane.feed("buyer-list", buyer_list_value(list="none"))
    assert ask(lane, 2) == ("manual_review", "buyer_limit")
