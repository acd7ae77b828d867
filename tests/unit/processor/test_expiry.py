"""The lane forgets what no rule can ask for, a few cells a batch, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.processor.expiry import BATCH_CELLS_MAX, ROUND_DAYS
from schemas.times import format_time
from tests.builders import AT, logistics_value, request_value, result_value, strategy_value
from tests.lane import Lane, verdict

REQUEST, LOGISTICS, STRATEGY, RESULT = "after-sale-request", "order-logistics", "strategy-config", "refund-result"
ROUND = timedelta(days=ROUND_DAYS)


def decided(**logistics: Any) -> Lane:
    """A lane that approved r-1, and turned r-2 (too much) away."""
    lane = Lane().feed(STRATEGY, strategy_value())
    lane.feed(LOGISTICS, logistics_value(**logistics))
    assert verdict(lane.feed(REQUEST, request_value()).decision)[0] == "auto_approve"
    lane.feed(REQUEST, request_value(request_id="r-2", amount_fen=2001))
    return lane


def walk(lane: Lane, days: int) -> Lane:
    """Let so many days go by, then a whole round and one more."""
    start = AT + timedelta(days=days)
    for number in range(3):
        lane.process(at=start + number * ROUND)
    return lane


def sizes(lane: Lane) -> dict[str, int]:
    return {name: len(lane.stores[name]) for name in ("daily_spend", "buyers", "requests", "orders")}


def test_nothing_is_forgotten_before_its_time() -> None:
    lane = decided()
    before = sizes(lane)
    walk(lane, 9)
    assert sizes(lane) == before


def test_a_turned_away_request_and_a_buyers_counts_go_first() -> None:
    lane = walk(decided(), 61)
    assert sizes(lane) == {"daily_spend": 2, "buyers": 0, "requests": 1, "orders": 1}
    assert lane.tally["expired", "requests"] == 1
    assert lane.tally["expired", "buyers"] == 1


def test_what_is_reserved_is_never_forgotten() -> None:
    lane = walk(decided(settled_at=format_time(AT + timedelta(days=5))), 2000)
    assert sizes(lane) == {"daily_spend": 2, "buyers": 0, "requests": 1, "orders": 1}
    lane.feed(RESULT, result_value(decision_id="r-1:1", amount_fen=500), at=lane.at)
    assert not lane.dead_letters


def test_once_paid_settled_and_old_all_of_it_goes() -> None:
    lane = decided(settled_at=format_time(AT + timedelta(days=5)))
    lane.feed(RESULT, result_value(decision_id="r-1:1", amount_fen=500))
    walk(lane, 500)
    assert sizes(lane) == {"daily_spend": 0, "buyers": 0, "requests": 0, "orders": 0}
    late = lane.feed(RESULT, result_value(decision_id="r-1:1", status="recovered", amount_fen=500), at=lane.at)
    assert len(late.dead_letters) == 1


def test_an_unsettled_order_with_an_approval_is_kept_and_pays_no_item_twice_49() -> None:
    lane = decided()
    lane.feed(RESULT, result_value(decision_id="r-1:1", amount_fen=500))
    walk(lane, 500)
    assert sizes(lane) == {"daily_spend": 0, "buyers": 0, "requests": 0, "orders": 1}
    again = request_value(request_id="r-3", applied_at=format_time(lane.at))
    assert verdict(lane.feed(REQUEST, again, at=lane.at).decision) == ("manual_review", "item_already_refunded")


def test_a_held_request_is_not_forgotten() -> None:
    lane = Lane(hold=timedelta(days=1000)).feed(STRATEGY, strategy_value()).feed(REQUEST, request_value())
    walk(lane, 500)
    assert sizes(lane)["requests"] == 1
    assert lane.job.next_due() is not None


def test_a_deletion_that_was_aborted_is_met_again() -> None:
    lane = decided()
    effects = lane.job.process((), AT + timedelta(days=100) + ROUND)
    assert effects.tally["expired", "requests"] == 1
    lane.job.aborted()
    walk(lane, 120)
    assert sizes(lane)["requests"] == 1


def test_one_batch_looks_at_a_bounded_number_of_cells() -> None:
    lane = Lane()
    number = BATCH_CELLS_MAX + 100
    for index in range(number):
        lane.feed(LOGISTICS, logistics_value(order_id=f"o-{index}"))
    lane.process(at=AT + timedelta(days=400))
    assert len(lane.stores["orders"]) == number - BATCH_CELLS_MAX
    lane.process(at=AT + timedelta(days=400))
    assert len(lane.stores["orders"]) == 0


def test_the_walk_keeps_its_pace_and_no_more() -> None:
    lane = Lane()
    for index in range(70):
        lane.feed(LOGISTICS, logistics_value(order_id=f"o-{index}"))
    old = AT + timedelta(days=400)
    lane.job.process((), old - timedelta(days=300))
    lane.job.committed()
    stores = lane.stores
    fresh = Lane(stores=stores)
    fresh.process(at=old)
    assert len(stores["orders"]) == 70  # the first step only begins the walk
    fresh.process(at=old + timedelta(days=1))
    assert len(stores["orders"]) == 60
