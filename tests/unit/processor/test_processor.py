"""The batch: control plane first, the rest in order; nothing happens before the commit, nothing remains after an abort."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.lane_job import Effects
from app.processor import Rules, processor, processor_factory
from app.processor.batch import dump_json
from schemas.errors import InvariantBroken
from schemas.events import Event
from tables.lane_tables import TABLE_NAMES
from tables.stores.memory import MemoryStore
from tests.builders import (
    AT,
    buyer_list_value,
    control_value,
    later,
    logistics_value,
    record,
    request_value,
    result_value,
    strategy_value,
)
from tests.lane import Lane, verdict

REQUEST, LOGISTICS, STRATEGY = "after-sale-request", "order-logistics", "strategy-config"
FORWARDED = "autorefund-forwarded"


def test_within_a_batch_the_control_plane_comes_first_31() -> None:
    lane = Lane()
    lane.process(
        record(LOGISTICS, logistics_value()),
        record(REQUEST, request_value()),
        record("buyer-list", buyer_list_value(buyer_id="b-2")),
        record(STRATEGY, strategy_value()),
    )
    assert verdict(lane.decision) == ("auto_approve", "approved")


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        ("control", control_value(), "halted"),
        ("buyer-list", buyer_list_value(), "buyer_blocked"),
        (STRATEGY, strategy_value(version=2, enabled=False), "strategy_disabled"),
    ],
)
def test_what_stops_a_request_stops_it_in_the_batch_it_comes_with(
    topic: str, value: dict[str, Any], reason: str
) -> None:
    lane = Lane().feed(STRATEGY, strategy_value()).feed(LOGISTICS, logistics_value())
    lane.process(record(REQUEST, request_value()), record(topic, value))
    assert verdict(lane.decision) == ("manual_review", reason)


def test_a_forwarded_config_comes_first_too() -> None:
    lane = Lane().feed(LOGISTICS, logistics_value())
    place = (("topic", STRATEGY.encode()), ("partition", b"3"), ("offset", b"1"))
    lane.process(record(REQUEST, request_value()), record(FORWARDED, strategy_value(), headers=place))
    assert verdict(lane.decision) == ("auto_approve", "approved")


def test_within_each_half_the_records_keep_their_order() -> None:
    lane = Lane()
    requests = [record(REQUEST, request_value(request_id=f"r-{n}")) for n in (3, 1, 2)]
    lane.process(*requests, record("control", control_value()), record("control", control_value(action="resume")))
    assert [one["request_id"] for one in lane.decisions] == ["r-3", "r-1", "r-2"]
    assert [alert["kind"] for alert in lane.alerts] == ["shop_halted", "shop_resumed"]
    assert {verdict(one)[1] for one in lane.decisions} == {"strategy_missing"}


def test_holds_that_are_due_come_before_the_control_plane_43() -> None:
    lane = Lane().feed(STRATEGY, strategy_value()).feed(REQUEST, request_value())
    lane.process(record("control", control_value()), at=later(minutes=10))
    assert verdict(lane.decision) == ("manual_review", "order_unknown")


def test_one_records_effects_are_seen_by_the_next_in_the_batch() -> None:
    lane = Lane().feed(STRATEGY, strategy_value(daily_cap_fen=500)).feed(LOGISTICS, logistics_value())
    lane.process(record(REQUEST, request_value()), record("refund-result", result_value(status="failed")),
                 record(REQUEST, request_value(request_version=2)), record(REQUEST, request_value()))  # fmt: skip
    assert [one["outcome"] for one in lane.decisions] == ["auto_approve", "auto_approve"]
    assert lane.tally["duplicates",] == 1


def effects_of(lane: Lane, *values: dict[str, Any]) -> Effects:
    return lane.job.process([record(REQUEST, value) for value in values], AT)


def plain(effects: Effects) -> tuple[Any, ...]:
    return effects.puts, list(effects.emits), effects.tally


def test_an_aborted_batch_leaves_no_trace_and_is_done_the_same_again() -> None:
    lane = Lane().feed(STRATEGY, strategy_value()).feed(LOGISTICS, logistics_value())
    once = plain(effects_of(lane, request_value()))
    lane.job.aborted()
    assert effects_of(lane).puts == {}
    again = plain(effects_of(lane, request_value()))
    assert once == again
    assert once[0]


def test_an_aborted_hold_is_not_due_and_an_aborted_end_of_a_hold_is() -> None:
    lane = Lane().feed(STRATEGY, strategy_value())
    effects_of(lane, request_value())
    lane.job.aborted()
    assert lane.job.next_due() is None
    lane.feed(REQUEST, request_value())
    assert len(lane.job.process([], later(minutes=10)).emits) == 1
    lane.job.aborted()
    assert lane.job.next_due() == later(minutes=10)
    assert len(lane.job.process([], later(minutes=10)).emits) == 1


def test_nothing_reaches_the_stores_from_the_processor() -> None:
    lane = Lane()
    effects_of(lane, request_value())
    lane.job.committed()
    assert all(len(store) == 0 for store in lane.stores.values())


def test_an_empty_batch_with_nothing_due_does_nothing() -> None:
    assert plain(Lane().process()) == ({}, [], {})


def test_the_factory_opens_a_lane_over_its_stores() -> None:
    stores = {name: MemoryStore() for name in TABLE_NAMES}
    job = processor_factory(lambda _: 5, Rules(hold=timedelta(minutes=1)))(5, stores)
    effects = job.process([record(REQUEST, request_value(), partition=5)], AT)
    assert [emit.topic for emit in effects.emits] == ["refund-decision"]


def test_a_waiting_time_is_the_rules_own() -> None:
    lane = Lane(hold=timedelta(minutes=1)).feed(STRATEGY, strategy_value()).feed(REQUEST, request_value())
    assert lane.job.next_due() == later(minutes=1)


def test_an_event_that_nobody_takes_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken, match="nobody takes a Event"):
        processor._dispatch(None, Event())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": 2**64}, {"a": str(2**64)}),
        ({"a": [-(2**63) - 1, 1]}, {"a": [str(-(2**63) - 1), 1]}),
        ({"a": ("x", {"b": 2**63})}, {"a": ["x", {"b": 2**63}]}),
        ({"a": True, "b": None}, {"a": True, "b": None}),
    ],
)
def test_numbers_beyond_what_json_readers_hold_are_written_as_text(value: Any, written: Any) -> None:
    assert json.loads(dump_json(value)) == written


def test_amounts_at_the_edge_of_64_bits_are_decided_and_written() -> None:
    huge = logistics_value(paid_fen=-(2**63), refunded_fen=2**63 - 1)
    lane = Lane().feed(STRATEGY, strategy_value()).feed(LOGISTICS, huge).feed(REQUEST, request_value())
    assert verdict(lane.decision) == ("manual_review", "amount_over_refundable")
    (entry,) = (one for one in lane.decision["trace"] if one["rule"] == "amount_over_refundable")
    assert entry["needed"] == str(-(2**64) + 1)


@pytest.mark.parametrize("name", ["名" * 4096, ""])
def test_a_name_of_any_length_does_not_stop_the_lane(name: str) -> None:
    lane = Lane().feed(STRATEGY, strategy_value(name=name, daily_cap_fen=500)).feed(LOGISTICS, logistics_value())
    lane.feed(REQUEST, request_value())
    assert [alert["kind"] for alert in lane.alerts] == ["spend_threshold"]
    lane.feed("control", control_value(by=name, reason=name))
    assert [alert["kind"] for alert in lane.alerts] == ["shop_halted"]


def test_a_request_from_the_year_1_does_not_stop_the_lane() -> None:
    nights = strategy_value(execution_windows=[{"start": "22:00", "end": "09:00", "weekdays": [1]}])
    lane = Lane().feed(STRATEGY, nights).feed(LOGISTICS, logistics_value())
    lane.feed(REQUEST, request_value(applied_at="0001-01-01T00:00:00Z"))
    assert verdict(lane.decision) == ("manual_review", "outside_state_days")


def test_a_lane_that_remembers_shops_of_another_lane_is_not_opened() -> None:
    stores = Lane().feed(STRATEGY, strategy_value(shop_id="shop-7")).stores
    assert Lane(stores=stores).job.next_due() is None
    with pytest.raises(
        InvariantBroken, match="remembers shop shop-7, whose records go to lane 1: topics were given more"
    ):
        Lane(partition_of=lambda _: 1, stores=stores)


def test_how_old_a_request_was_when_it_was_decided_is_measured() -> None:
    lane = Lane().feed(STRATEGY, strategy_value()).feed(LOGISTICS, logistics_value())
    effects = lane.process(record(REQUEST, request_value()), at=later(seconds=2.5))
    assert effects.samples == {"applied_to_decided_seconds": [2500]}
    assert lane.process(record(REQUEST, request_value())).samples == {}  # a duplicate is not decided again
