"""Versions, repeats and holds of requests (domain [13, 26, 27, 41-43]; contract, 1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.errors import InvariantBroken
from schemas.times import format_time
from schemas.vocabulary import Outcome
from tests.builders import AT, item_value, later, logistics_value, parcel_value, record, request_value, strategy_value
from tests.lane import Lane, verdict

REQUEST, LOGISTICS, STRATEGY = "after-sale-request", "order-logistics", "strategy-config"
OK = ("auto_approve", "approved")
UNKNOWN = ("manual_review", "order_unknown")


def shop(**more: Any) -> Lane:
    """A lane that knows the default strategy, not the order."""
    return Lane(**more).feed(STRATEGY, strategy_value())


def held(**more: Any) -> Lane:
    return shop(**more).feed(REQUEST, request_value())


def test_a_request_on_a_known_order_is_decided_at_once() -> None:
    lane = shop().feed(LOGISTICS, logistics_value()).feed(REQUEST, request_value())
    assert verdict(lane.decision) == OK
    (emit,) = lane.emits
    assert (emit.topic, emit.key, emit.partition) == ("refund-decision", b"r-1", None)


def test_a_request_on_an_unknown_order_waits_and_says_nothing_43() -> None:
    lane = held()
    assert lane.emits == []
    assert lane.tally["holds_started",] == 1
    assert lane.job.next_due() == later(minutes=10)


def test_a_shop_without_a_strategy_waits_for_nothing_31() -> None:
    lane = Lane().feed(REQUEST, request_value())
    assert verdict(lane.decision) == ("manual_review", "strategy_missing")
    assert lane.job.next_due() is None


def test_logistics_end_the_wait_43() -> None:
    lane = held().feed(LOGISTICS, logistics_value(), at=later(minutes=1))
    assert verdict(lane.decision) == OK
    assert lane.decision["decided_at"] == format_time(later(minutes=1))
    assert lane.job.next_due() is None
    assert lane.tables.orders.of("shop-1", "o-1").held_request_ids == ()


def test_the_wait_ends_at_its_due_time_with_what_is_known_43() -> None:
    lane = held()
    lane.process(at=later(minutes=10) - timedelta(microseconds=1))
    assert lane.emits == []
    lane.process(at=later(minutes=10))
    assert verdict(lane.decision) == UNKNOWN
    lane.process(at=later(minutes=20))
    assert lane.emits == []


def test_logistics_of_the_future_are_no_logistics_yet_44() -> None:
    ahead = logistics_value(parcels=[parcel_value(shipped_at=format_time(later(minutes=8)))])
    lane = held().feed(LOGISTICS, ahead)
    assert lane.emits == []
    lane.feed(LOGISTICS, ahead | {"version": 2}, at=later(minutes=3))
    assert verdict(lane.decision) == ("manual_review", "outside_state_days")


def test_logistics_that_are_not_accepted_decide_nothing_57() -> None:
    ahead = logistics_value(version=5, parcels=[parcel_value(shipped_at=format_time(later(minutes=8)))])
    lane = held().feed(LOGISTICS, ahead).feed(LOGISTICS, logistics_value(version=5))
    assert lane.emits == []
    assert lane.tally["ignored", LOGISTICS, "stale"] == 1


def test_a_hold_that_is_due_comes_before_the_record_of_the_same_instant_43() -> None:
    lane = held().feed(LOGISTICS, logistics_value(), at=later(minutes=10))
    assert verdict(lane.decision) == UNKNOWN


def test_holds_end_in_order_of_due_time_then_arrival_43() -> None:
    lane = shop()
    for request_id, minutes in (("r-b", 0), ("r-a", 0), ("r-0", 1)):
        lane.feed(REQUEST, request_value(request_id=request_id), at=later(minutes=minutes))
    lane.process(at=later(minutes=30))
    assert [one["request_id"] for one in lane.decisions] == ["r-b", "r-a", "r-0"]


def test_all_that_waited_for_an_order_are_decided_in_order_of_arrival() -> None:
    lane = shop()
    lane.feed(REQUEST, request_value(request_id="r-b"))
    lane.feed(REQUEST, request_value(request_id="r-a", items=[item_value(order_item_id="oi-2")]))
    parcel = parcel_value(order_item_ids=["oi-1", "oi-2"])
    lane.feed(LOGISTICS, logistics_value(parcels=[parcel]))
    assert [(one["request_id"], one["outcome"]) for one in lane.decisions] == [("r-b", OK[0]), ("r-a", OK[0])]


def test_a_hold_that_outlived_a_restart_ends_at_its_time() -> None:
    after = Lane(stores=held().stores)
    assert after.job.next_due() == later(minutes=10)
    after.process(at=later(minutes=11))
    assert verdict(after.decision) == UNKNOWN


def test_with_a_hold_of_nothing_nobody_waits() -> None:
    lane = held(hold=timedelta(0))
    assert verdict(lane.decision) == UNKNOWN
    assert lane.job.next_due() is None


def test_the_strategy_in_force_at_the_end_of_the_wait_decides_30() -> None:
    lane = held().feed(STRATEGY, strategy_value(version=2, enabled=False)).feed(LOGISTICS, logistics_value())
    assert verdict(lane.decision) == ("manual_review", "strategy_disabled")


@pytest.mark.parametrize("status", ["withdrawn", "seller_rejected", "seller_approved", "platform_involved", "closed"])
def test_a_newer_version_that_is_not_pending_ends_the_wait_and_gets_no_decision_41_42(status: str) -> None:
    lane = held().feed(REQUEST, request_value(request_version=2, status=status))
    assert (lane.decision["decision_id"], *verdict(lane.decision)) == ("r-1:1", "manual_review", "not_pending")
    assert lane.job.next_due() is None


def test_a_newer_pending_version_ends_the_wait_of_the_older_and_waits_itself_42() -> None:
    lane = held().feed(REQUEST, request_value(request_version=2), at=later(minutes=4))
    assert (lane.decision["decision_id"], *verdict(lane.decision)) == ("r-1:1", "manual_review", "superseded")
    assert lane.job.next_due() == later(minutes=14)
    lane.feed(LOGISTICS, logistics_value())
    assert (lane.decision["decision_id"], *verdict(lane.decision)) == ("r-1:2", *OK)


def test_a_newer_version_in_the_same_batch_does_the_same() -> None:
    lane = shop()
    lane.process(record(REQUEST, request_value()), record(REQUEST, request_value(request_version=2)))
    assert [one["decision_id"] for one in lane.decisions] == ["r-1:1"]
    assert len(lane.tables.holds) == 1


def test_an_older_version_that_arrives_later_is_superseded_27_42() -> None:
    lane = shop().feed(REQUEST, request_value(request_version=3)).feed(REQUEST, request_value(request_version=2))
    assert (lane.decision["decision_id"], *verdict(lane.decision)) == ("r-1:2", "manual_review", "superseded")
    assert lane.tables.holds.of("shop-1", "r-1") is not None


def test_a_version_after_a_withdrawal_is_decided_afresh_26() -> None:
    lane = shop().feed(LOGISTICS, logistics_value()).feed(REQUEST, request_value(status="withdrawn"))
    assert lane.emits == []
    assert verdict(lane.feed(REQUEST, request_value(request_version=2)).decision) == OK


def test_what_the_seller_rejected_is_never_approved_automatically_26_50() -> None:
    lane = shop().feed(LOGISTICS, logistics_value())
    lane.feed(REQUEST, request_value(request_id="r-0", status="seller_rejected"))
    lane.feed(REQUEST, request_value())
    assert verdict(lane.decision) == ("manual_review", "seller_rejected_before")


def test_the_same_version_again_is_counted_and_decided_once() -> None:
    lane = shop().feed(LOGISTICS, logistics_value()).feed(REQUEST, request_value())
    spelled = request_value(applied_at="2026-11-23T02:00:00Z", unknown="field")
    lane.feed(REQUEST, dict(reversed(spelled.items())))
    assert lane.emits == []
    assert lane.tally["duplicates",] == 1


def test_the_same_version_with_another_body_is_a_conflict_and_alerted() -> None:
    lane = held().feed(REQUEST, request_value(amount_fen=501))
    assert lane.decisions == []
    assert [(alert["kind"], alert["shop_id"]) for alert in lane.alerts] == [("request_conflict", "shop-1")]
    assert lane.tally["conflicts",] == 1


def test_a_request_of_the_same_name_in_another_shop_is_another_request_40() -> None:
    lane = Lane().feed(REQUEST, request_value()).feed(REQUEST, request_value(shop_id="shop-2"))
    assert lane.decision["shop_id"] == "shop-2"


def test_what_was_decided_is_remembered() -> None:
    cell = shop().feed(LOGISTICS, logistics_value()).feed(REQUEST, request_value()).tables.requests.of("shop-1", "r-1")
    assert cell is not None
    assert (cell.newest, cell.versions[1].outcome, cell.versions[1].order_id) == (1, Outcome.AUTO_APPROVE, "o-1")


def test_an_order_that_names_a_lost_hold_is_a_broken_invariant() -> None:
    lane = held()
    lane.stores["holds"].clear()
    with pytest.raises(InvariantBroken, match="names a hold that is not there"):
        Lane(stores=lane.stores).feed(LOGISTICS, logistics_value())


def test_a_version_is_never_decided_twice() -> None:
    lane = held()
    hold = lane.tables.holds.of("shop-1", "r-1")
    assert hold is not None
    lane.process(at=later(minutes=10))
    tables = lane.tables
    tables.holds.start(hold)
    lane.stores["holds"].apply(tables.puts()["holds"], 0)
    with pytest.raises(InvariantBroken, match="decided twice"):
        Lane(stores=lane.stores).process(at=later(minutes=11))


def test_the_clock_never_goes_back() -> None:
    lane = Lane().feed(REQUEST, request_value(), at=AT)
    lane.feed(REQUEST, request_value(request_id="r-2"), at=later(minutes=-3))
    assert lane.decision["decided_at"] == format_time(AT)
