"""Strategies, shop caps, buyer lists and kill switches (domain [20, 30, 38, 57, 61, 62])."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.times import format_time
from tests.builders import (
    buyer_list_value,
    control_value,
    later,
    logistics_value,
    record,
    request_value,
    shop_cap_value,
    strategy_value,
)
from tests.lane import Lane, verdict

REQUEST, LOGISTICS, STRATEGY = "after-sale-request", "order-logistics", "strategy-config"
LIST, CONTROL = "buyer-list", "control"
OK = ("auto_approve", "approved")


def shop(*configs: dict[str, Any]) -> Lane:
    """A lane that knows the default order and these configs (the default strategy, where none is given)."""
    lane = Lane().feed(LOGISTICS, logistics_value())
    for config in configs or (strategy_value(),):
        lane.feed(STRATEGY, config)
    return lane


def ask(lane: Lane, **change: Any) -> tuple[str, str]:
    return verdict(lane.feed(REQUEST, request_value(**change)).decision)


@pytest.mark.parametrize("version", [0, 1])
def test_a_version_not_above_the_known_one_is_ignored_57(version: int) -> None:
    lane = shop(strategy_value(version=1), strategy_value(version=version, enabled=False))
    assert lane.tally["ignored", STRATEGY, "stale"] == 1
    assert ask(lane) == OK


def test_a_newer_version_is_in_force_at_once_and_pinned_into_the_decision_30() -> None:
    lane = shop(strategy_value(version=1), strategy_value(version=7, daily_cap_fen=900))
    lane.feed(REQUEST, request_value())
    assert (lane.decision["strategy_version"], lane.decision["daily_cap_fen"]) == (7, 900)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"enabled": False}, "strategy_disabled"), ({"deleted": True}, "strategy_missing"), ({"mode": "shadow"}, "strategy_missing")],
)  # fmt: skip
def test_a_strategy_that_is_not_live_and_enabled_approves_nothing_62(change: dict[str, Any], reason: str) -> None:
    assert ask(shop(strategy_value(**change))) == ("manual_review", reason)


def test_a_platform_strategy_names_its_provenance_35() -> None:
    lane = shop(strategy_value(owner="platform")).feed(REQUEST, request_value())
    assert lane.decision["provenance"] == "platform_strategy"


def test_a_lowered_cap_lets_nothing_more_pass_and_shows_over_100_percent_20() -> None:
    lane = shop()
    ask(lane)
    lane.feed(STRATEGY, strategy_value(version=2, daily_cap_fen=400))
    (alert,) = lane.alerts
    assert (alert["kind"], alert["consumption_percent"]) == ("spend_threshold", "125.00")
    lane.feed(LOGISTICS, logistics_value(order_id="o-2"))
    assert ask(lane, request_id="r-2", order_id="o-2", amount_fen=1) == ("manual_review", "daily_cap_reached")


def test_the_first_config_of_a_day_looks_at_nothing_53() -> None:
    assert shop(strategy_value(daily_cap_fen=0)).tables.daily_spend.puts() == {}
    assert shop().alerts == []


def test_the_shops_cap_holds_over_all_its_strategies_38() -> None:
    lane = shop(strategy_value(), shop_cap_value(daily_cap_fen=499))
    assert ask(lane) == ("manual_review", "shop_cap_reached")


def test_a_stale_shop_cap_is_ignored_57() -> None:
    lane = shop(shop_cap_value(version=2, daily_cap_fen=499), shop_cap_value(version=2, daily_cap_fen=9999))
    assert lane.tally["ignored", STRATEGY, "stale"] == 1
    cap = lane.tables.strategies.cap_of("shop-1")
    assert cap is not None
    assert cap.daily_cap_fen.fen == 499


def test_a_deleted_shop_cap_holds_nobody() -> None:
    lane = shop(strategy_value(), shop_cap_value(daily_cap_fen=1), shop_cap_value(version=2, deleted=True))
    assert ask(lane) == OK


@pytest.mark.parametrize("shop_id", ["shop-1", "*"])
def test_a_blocked_buyer_is_never_approved_29(shop_id: str) -> None:
    lane = shop().feed(LIST, buyer_list_value(shop_id=shop_id))
    assert ask(lane) == ("manual_review", "buyer_blocked")


def test_a_block_may_end_at_a_time_or_by_a_later_record() -> None:
    until = buyer_list_value(until=format_time(later(minutes=1)))
    lane = shop().feed(LIST, until)
    assert ask(lane) == ("manual_review", "buyer_blocked")
    lane.process(at=later(minutes=1))
    assert ask(lane, request_version=2) == OK
    lane = shop().feed(LIST, buyer_list_value()).feed(LIST, buyer_list_value(list="none"))
    assert ask(lane) == OK


def test_a_block_keeps_what_was_counted_of_the_buyer() -> None:
    lane = shop()
    ask(lane)
    lane.feed(LIST, buyer_list_value())
    assert lane.tables.buyers.of("shop-1", "b-1").days == {"2026-11-23": (1, 500)}


def test_a_block_taken_off_has_no_end() -> None:
    lane = shop().feed(LIST, buyer_list_value(list="none", until=format_time(later(days=1))))
    assert lane.tables.buyers.of("shop-1", "b-1").blocked_until is None


@pytest.mark.parametrize("scope", [{"scope": "global", "shop_id": None}, {"scope": "shop"}])
def test_a_halt_stops_and_a_resume_lets_go(scope: dict[str, Any]) -> None:
    lane = shop().feed(CONTROL, control_value(**scope))
    assert ask(lane) == ("manual_review", "halted")
    lane.feed(CONTROL, control_value(**scope, action="resume"))
    assert ask(lane, request_version=2) == OK


def test_a_shops_halt_stops_no_other_shop() -> None:
    lane = shop().feed(CONTROL, control_value(shop_id="shop-2"))
    assert ask(lane) == OK


def test_a_global_halt_and_a_shops_are_two_switches() -> None:
    lane = shop().feed(CONTROL, control_value()).feed(CONTROL, control_value(scope="global"))
    lane.feed(CONTROL, control_value(scope="global", action="resume"))
    assert ask(lane) == ("manual_review", "halted")


def test_a_shops_switch_is_alerted_when_it_moves_61() -> None:
    lane = Lane()
    moves = [
        lane.feed(CONTROL, control_value(action=action)).alerts
        for action in ("resume", "halt", "halt", "resume", "resume")
    ]
    assert [[alert["kind"] for alert in told] for told in moves] == [[], ["shop_halted"], [], ["shop_resumed"], []]
    assert lane.tally["ignored", CONTROL, "unchanged"] == 3


def test_a_global_switch_is_the_operators_own_and_not_alerted_61() -> None:
    lane = Lane()
    for action in ("halt", "resume"):
        assert lane.feed(CONTROL, control_value(scope="global", action=action)).emits == []


def test_every_lane_reads_a_shops_switch_and_only_its_own_keeps_it() -> None:
    home, other = Lane(1, partition_of=lambda _: 1), Lane(0, partition_of=lambda _: 1)
    assert [alert["kind"] for alert in home.feed(CONTROL, control_value()).alerts] == ["shop_halted"]
    effects = other.process(record(CONTROL, control_value()))
    assert (effects.emits, effects.puts, dict(effects.tally)) == ([], {}, {})


def test_a_global_switch_is_kept_by_every_lane() -> None:
    for number in (0, 1):
        lane = Lane(number, partition_of=lambda _: 1).feed(CONTROL, control_value(scope="global", shop_id="shop-1"))
        assert lane.tables.controls.is_halted(None)
        assert not lane.tables.controls.is_halted("shop-1")
