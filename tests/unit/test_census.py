"""The look through the tables: what today has cost, which strategies spent most, who is halted."""

from __future__ import annotations

from collections.abc import Mapping

from app.census import Census, Consumption, census
from schemas.times import SpendDay
from tables.stores import Store
from tests.builders import DAY, control_value, later, logistics_value, request_value, result_value, strategy_value
from tests.lane import Lane

TOP_MAX = 2


def looked(*lanes: Lane) -> Census:
    stores: Mapping[int, Mapping[str, Store]] = {number: lane.stores for number, lane in enumerate(lanes)}
    walk = census(stores, SpendDay(DAY), TOP_MAX)
    while True:
        try:
            next(walk)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def spender(number: int, cap_fen: int = 1000) -> Lane:
    """A lane in which the strategy s-<number> has approved 500 fen."""
    lane = Lane().feed("strategy-config", strategy_value(strategy_id=f"s-{number}", daily_cap_fen=cap_fen))
    return lane.feed("order-logistics", logistics_value()).feed("after-sale-request", request_value())


def test_nothing_is_found_in_nothing() -> None:
    assert looked() == looked(Lane()) == Census()


def test_what_is_reserved_becomes_executed() -> None:
    lane = spender(1)
    assert (looked(lane).reserved_fen, looked(lane).executed_fen) == (500, 0)
    lane.feed("refund-result", result_value(amount_fen=300))
    assert (looked(lane).reserved_fen, looked(lane).executed_fen) == (0, 300)


def test_only_today_counts() -> None:
    lane = spender(1)
    tomorrow = SpendDay.of(later(days=1))
    walk = list(census({0: lane.stores}, tomorrow, TOP_MAX))
    assert walk  # it looked at the cells
    lane.feed("after-sale-request", request_value(request_id="r-2", order_id="o-2"), at=later(days=1))
    assert looked(lane).reserved_fen == 500


def test_lanes_are_summed_and_the_highest_strategies_are_named() -> None:
    found = looked(spender(1), spender(2, 500), spender(3, 520), spender(4, 5000))
    assert found.reserved_fen == 2000
    assert found.strategies == {Consumption.NORMAL: 2, Consumption.RED: 1, Consumption.FULL: 1}
    assert sorted((one.strategy_id, round(one.ratio, 4)) for one in found.top) == [("s-2", 1.0), ("s-3", 0.9615)]


def test_ninety_percent_is_not_red_yet() -> None:
    assert looked(spender(1, 555)).strategies[Consumption.RED] == 1
    found = looked(spender(1, 556))
    assert found.strategies == {Consumption.NORMAL: 1, Consumption.RED: 0, Consumption.FULL: 0}


def test_a_cap_that_turned_a_request_away_is_full_and_one_of_zero_has_no_share() -> None:
    lane = spender(1, 900)
    lane.feed("order-logistics", logistics_value(order_id="o-2"))
    lane.feed("after-sale-request", request_value(request_id="r-2", order_id="o-2"))
    assert looked(lane).strategies[Consumption.FULL] == 1
    lane.feed("strategy-config", strategy_value(version=2, daily_cap_fen=0))
    assert looked(lane).top == []


def test_halted_shops_are_counted_and_the_global_switch_is_none_of_them() -> None:
    lane = Lane()
    lane.feed("control", control_value(shop_id="shop-1")).feed("control", control_value(shop_id="shop-2"))
    lane.feed("control", {key: value for key, value in control_value(scope="global").items() if key != "shop_id"})
    assert looked(lane).halted_shops == 2
    lane.feed("control", control_value(shop_id="shop-2", action="resume"))
    assert looked(lane).halted_shops == 1
