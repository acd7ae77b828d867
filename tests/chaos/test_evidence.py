"""A take-over in mid-batch is counted where there was one, and nowhere else."""

from __future__ import annotations

from datetime import datetime

import orjson
from aiokafka import ConsumerRecord

from tests.chaos.evidence import Evidence, Owners

FIRST, SECOND = "worker-1", "worker-2"
LANE = 2


def seconds(clock: str) -> float:
    return datetime.fromisoformat(f"2026-11-25 {clock}").timestamp()


def took_over(clock: str, lanes: list[int]) -> str:
    return f"2026-11-25 {clock},000 INFO     app.exactly_once.lanes: took over {len(lanes)} lanes {lanes} in 0.44 s (fenced)\n"


def decision(decision_id: str, offset: int, clock: str) -> ConsumerRecord:
    value = orjson.dumps({"decision_id": decision_id})
    at = int(seconds(clock) * 1000)
    return ConsumerRecord("refund-decision", LANE, offset, at, 0, None, value, None, 0, len(value), ())


OWNERS = Owners(
    [
        (FIRST, took_over("10:00:00", [0, 1, LANE])),
        (SECOND, took_over("10:00:05", []) + took_over("10:01:00", [1, LANE])),
    ]
)
LEFT_BEHIND = decision("r-1:1", 0, "10:00:59")


def test_a_lane_belongs_to_whoever_took_it_last() -> None:
    owners = [OWNERS.at(LANE, seconds(clock)) for clock in ("09:59:59", "10:00:59", "10:01:01")]
    assert owners == [None, FIRST, SECOND]
    assert OWNERS.at(0, seconds("10:01:01")) == FIRST


def test_what_one_worker_left_open_and_another_decided_is_a_take_over_in_mid_batch() -> None:
    again = decision("r-1:1", 2, "10:01:01")
    assert Evidence.of([LEFT_BEHIND, again], [again], OWNERS) == Evidence(aborted_decisions=1, mid_batch=1)


def test_a_batch_counts_once_however_many_decisions_it_had() -> None:
    left = [decision(f"r-{number}:1", number, "10:00:59") for number in range(5)]
    again = [decision(f"r-{number}:1", 10 + number, "10:01:01") for number in range(5)]
    assert Evidence.of(left + again, again, OWNERS) == Evidence(aborted_decisions=5, mid_batch=1)


def test_what_the_same_worker_decides_again_is_none() -> None:
    again = decision("r-1:1", 2, "10:00:59")
    assert Evidence.of([LEFT_BEHIND, again], [again], OWNERS) == Evidence(aborted_decisions=1, mid_batch=0)


def test_where_all_was_committed_there_is_no_evidence() -> None:
    assert Evidence.of([LEFT_BEHIND], [LEFT_BEHIND], OWNERS) == Evidence()


def test_what_nobody_decided_again_is_none_yet() -> None:
    assert Evidence.of([LEFT_BEHIND], [], OWNERS) == Evidence(aborted_decisions=1, mid_batch=0)
