"""Who is told of records that cannot be read (contract, 3; domain [58])."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import later, record, strategy_value
from tests.lane import Lane


def kinds(lane: Lane) -> list[str]:
    return [alert["kind"] for alert in lane.alerts]


def test_a_config_out_of_range_is_dead_lettered_and_alerted_and_the_one_before_stays_in_force() -> None:
    lane = Lane().feed("strategy-config", strategy_value(name="before"))
    lane.feed("strategy-config", strategy_value(version=2, name="after", per_order_cap_fen=2001))
    (alert,) = lane.alerts
    assert (alert["kind"], alert["shop_id"], alert["strategy_id"]) == ("config_rejected", "shop-1", "s-1")
    assert "per_order_cap_fen" in alert["text"]
    assert len(lane.dead_letters) == 1
    known = lane.tables.strategies.get("shop-1", "s-1")
    assert known is not None
    assert known.name == "before"


def test_a_shop_cap_out_of_range_is_alerted_too() -> None:
    lane = Lane().feed("strategy-config", {"shop_id": "shop-1", "strategy_id": "*", "daily_cap_fen": -1})
    assert [(alert["kind"], alert["strategy_id"]) for alert in lane.alerts] == [("config_rejected", "*")]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"shop_id": "shop-1"},
        {"shop_id": "", "strategy_id": "s-1"},
        {"shop_id": "shop-1", "strategy_id": 1},
        {"shop_id": "x" * 129, "strategy_id": "s-1"},
        [],
    ],
)
def test_a_config_that_does_not_name_its_strategy_is_dead_lettered_only_58(value: Any) -> None:
    lane = Lane().feed("strategy-config", value)
    assert lane.alerts == []
    assert len(lane.dead_letters) == 1


def test_the_alert_of_a_misplaced_bad_config_goes_to_its_shops_partition() -> None:
    lane = Lane(0, partition_of=lambda _: 7)
    lane.feed("strategy-config", strategy_value(per_order_cap_fen=0))
    assert [(emit.topic, emit.partition) for emit in lane.emits] == [("dead-letter", None), ("refund-alert", 7)]


def test_the_same_bad_config_again_bears_the_same_alert_id() -> None:
    lane = Lane()
    ids = [
        lane.feed("strategy-config", strategy_value(version=n, priority="x")).alerts[0]["alert_id"] for n in (1, 1, 2)
    ]
    assert ids[0] == ids[1] != ids[2]


def burst(lane: Lane, number: int, **at: float) -> list[str]:
    lane.process(*(record("control", b"?") for _ in range(number)), at=later(**at))
    return kinds(lane)


def test_a_hundred_dead_letters_in_a_minute_are_no_burst_and_one_more_is() -> None:
    lane = Lane(4)
    assert burst(lane, 60) == []
    assert burst(lane, 40, seconds=60) == []
    assert burst(lane, 1, seconds=60) == ["dead_letter_burst"]
    (alert,) = lane.alerts
    assert (alert["shop_id"], alert["severity"]) == ("*", "critical")
    assert "分区 4" in alert["text"]
    assert "101" in alert["text"]


def test_dead_letters_of_more_than_a_minute_ago_do_not_count() -> None:
    lane = Lane()
    assert burst(lane, 100) == []
    assert burst(lane, 100, seconds=60, microseconds=1) == []


def test_a_burst_is_told_once_in_ten_minutes() -> None:
    lane = Lane()
    assert burst(lane, 300) == ["dead_letter_burst"]
    assert burst(lane, 101, minutes=9, seconds=59) == []
    assert burst(lane, 1, minutes=10) == ["dead_letter_burst"]


def test_a_burst_is_counted_across_a_restart() -> None:
    lane = Lane()
    burst(lane, 100)
    assert burst(Lane(stores=lane.stores), 1, seconds=1) == ["dead_letter_burst"]


def test_the_alerts_of_a_lane_about_no_shop_stay_in_the_lane() -> None:
    lane = Lane(0, partition_of=lambda _: 7)
    burst(lane, 101)
    (emit,) = (emit for emit in lane.emits if emit.topic == "refund-alert")
    assert emit.partition is None
    assert json.loads(emit.value or b"")["kind"] == "dead_letter_burst"
