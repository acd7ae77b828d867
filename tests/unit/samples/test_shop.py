"""The demo's sample, played to the real processor: it keeps its promise of showing every reason."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.processor import Rules
from app.replay import Replay
from app.samples.records import Message
from app.samples.shop import Sample, build_sample
from schemas.times import format_time
from schemas.topics import DEAD_LETTER, REFUND_ALERT, REFUND_DECISION
from schemas.vocabulary import AlertKind, Reason

HOLD = timedelta(seconds=10)
NIGHT = datetime(2026, 11, 23, 15, 50, tzinfo=UTC)
"""Ten to midnight in Shanghai."""


def line_of(message: Message, at: datetime) -> dict[str, Any]:
    body = {"raw": message.raw.decode()} if message.raw is not None else {"value": message.value}
    return {"topic": message.topic, "key": message.key, "at": format_time(at)} | body


def play(sample: Sample, start: datetime) -> list[dict[str, Any]]:
    replay, outputs, at = Replay(Rules(hold=HOLD)), [], start
    for stage in sample.stages:
        for message in stage.messages:
            outputs += replay.feed(line_of(message, at))
        at += timedelta(seconds=1)
    return outputs + replay.feed({"at": format_time(at + HOLD)})


@pytest.fixture(scope="module", params=[(1, 0), (2, 7), (3, 14)], ids=str)
def played(request: pytest.FixtureRequest) -> tuple[Sample, list[dict[str, Any]]]:
    seed, hours = request.param
    start = NIGHT + timedelta(hours=hours)
    sample = build_sample(start, "t1", seed)
    return sample, play(sample, start)


def decisions(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["value"] for one in outputs if one["topic"] == REFUND_DECISION.name]


def test_every_reason_is_shown(played: tuple[Sample, list[dict[str, Any]]]) -> None:
    assert {one["reasons"][0] for one in decisions(played[1])} == {reason.value for reason in Reason}


def test_what_it_promises_is_decided_once(played: tuple[Sample, list[dict[str, Any]]]) -> None:
    sample, outputs = played
    assert Counter(one["decision_id"] for one in decisions(outputs)) == Counter(sample.decided)
    assert 150 <= len(sample.decided) <= 250


def test_the_request_without_logistics_waits_to_the_end(played: tuple[Sample, list[dict[str, Any]]]) -> None:
    sample, outputs = played
    last = decisions(outputs)[-1]
    assert (last["decision_id"], last["reasons"][0]) == (sample.held_to_the_end, "order_unknown")


def test_sellers_and_operators_are_told(played: tuple[Sample, list[dict[str, Any]]]) -> None:
    kinds = {one["value"]["kind"] for one in played[1] if one["topic"] == REFUND_ALERT.name}
    assert kinds == {kind.value for kind in AlertKind} - {AlertKind.DEAD_LETTER_BURST}


def test_two_records_cannot_be_read(played: tuple[Sample, list[dict[str, Any]]]) -> None:
    assert [one["value"]["topic"] for one in played[1] if one["topic"] == DEAD_LETTER.name] == [
        "strategy-config",
        "after-sale-request",
    ]


def test_every_strategy_and_shop_has_a_name(played: tuple[Sample, list[dict[str, Any]]]) -> None:
    sample, outputs = played
    assert {one["shop_id"] for one in decisions(outputs)} == set(sample.shop_names)
    used = {(one["shop_id"], one["strategy_id"]) for one in decisions(outputs) if one.get("strategy_id")}
    assert used <= set(sample.strategy_names)
