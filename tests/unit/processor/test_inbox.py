"""What comes in: forwarded where it is misplaced, put aside where it cannot be read (contract, 1 and 3; domain [57, 58])."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.lane_job import Emit
from schemas.codec import INPUT_MODELS
from schemas.errors import InvariantBroken
from tests.builders import (
    buyer_list_value,
    later,
    logistics_value,
    record,
    request_value,
    result_value,
    shop_cap_value,
    strategy_value,
)
from tests.lane import Lane

FORWARDED = "autorefund-forwarded"
HOMES = {"shop-0": 0, "shop-1": 1}


def home(shop_id: str) -> int:
    return HOMES.get(shop_id, 0)


def lane(number: int = 0) -> Lane:
    return Lane(number, partition_of=home)


def only(emits: list[Emit]) -> Emit:
    (emit,) = emits
    return emit


MISPLACED: list[tuple[str, dict[str, Any]]] = [
    ("after-sale-request", request_value()),
    ("strategy-config", strategy_value()),
    ("strategy-config", shop_cap_value()),
    ("order-logistics", logistics_value()),
    ("refund-result", result_value()),
    ("buyer-list", buyer_list_value()),
]
misplaced = pytest.mark.parametrize(
    ("topic", "value"), MISPLACED, ids=["request", "strategy", "cap", "logistics", "result", "list"]
)


@misplaced
def test_a_misplaced_record_is_forwarded_as_it_came_and_decided_nowhere_here(topic: str, value: dict[str, Any]) -> None:
    here = lane(0)
    raw = json.dumps(value | {"unknown": 1.5}).encode()
    effects = here.process(record(topic, raw, partition=0, offset=41, key=b"odd key"))
    assert only(here.emits) == Emit(
        FORWARDED, b"odd key", raw, 1, (("topic", topic.encode()), ("partition", b"0"), ("offset", b"41"))
    )
    assert effects.puts == {}
    assert here.tally == {("forwarded", topic): 1}


@misplaced
def test_a_forwarded_record_is_taken_at_home_like_any_other(topic: str, value: dict[str, Any]) -> None:
    here, there = lane(0), lane(1)
    sent = only(list(here.process(record(topic, value)).emits))
    direct = Lane(1, partition_of=home).process(record(topic, value, partition=1))
    effects = there.process(record(FORWARDED, sent.value, key=sent.key, headers=sent.headers, partition=1, offset=3))
    assert effects.puts == direct.puts
    assert [(emit.topic, emit.value) for emit in effects.emits if emit.topic != "dead-letter"] == [
        (emit.topic, emit.value) for emit in direct.emits if emit.topic != "dead-letter"
    ]
    assert not effects.tally["forwarded", topic]


def test_a_record_forwarded_twice_still_names_its_first_place() -> None:
    """Where the number of partitions changed on the way."""
    first = only(list(lane(0).process(record("after-sale-request", request_value(), offset=41)).emits))
    again = Lane(5, partition_of=home)
    second = only(list(again.process(record(FORWARDED, first.value, headers=first.headers, partition=5)).emits))
    assert (second.headers, second.partition) == (first.headers, 1)


def test_the_dead_letter_of_a_forwarded_record_names_the_original_place() -> None:
    at_home = lane(1)
    unknown = result_value(decision_id="r-9:1")
    sent = only(list(lane(0).process(record("refund-result", unknown, offset=41, partition=0)).emits))
    at_home.process(record(FORWARDED, sent.value, key=sent.key, headers=sent.headers, partition=1, offset=99))
    ((key, value, headers),) = at_home.dead_letters
    assert (key, value) == (sent.key, sent.value)
    assert (headers["topic"], headers["partition"], headers["offset"]) == ("refund-result", "0", "41")


def test_a_block_in_every_shop_is_taken_by_every_lane() -> None:
    for number in (0, 1):
        here = lane(number).feed("buyer-list", buyer_list_value(shop_id="*"))
        assert here.tables.buyers.of("*", "b-1").blocked
        assert here.emits == []


@pytest.mark.parametrize("topic", ["refund-decision", "dead-letter", "no-such-topic"])
def test_a_record_of_no_input_is_a_broken_invariant(topic: str) -> None:
    with pytest.raises(InvariantBroken, match=topic):
        lane().job.process([record(topic, b"{}")], later())


def test_a_forwarded_record_without_its_place_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken, match="offset"):
        lane().job.process([record(FORWARDED, b"{}", headers=(("topic", b"control"), ("partition", b"0")))], later())


def test_a_forwarded_record_of_no_input_is_a_broken_invariant() -> None:
    place = (("topic", b"refund-alert"), ("partition", b"0"), ("offset", b"0"))
    with pytest.raises(InvariantBroken, match="refund-alert"):
        lane().job.process([record(FORWARDED, b"{}", headers=place)], later())


@pytest.mark.parametrize("topic", INPUT_MODELS)
def test_what_cannot_be_read_is_a_dead_letter_as_it_came(topic: str) -> None:
    here = Lane(3)
    effects = here.process(record(topic, b"\xff\x00", key=b"\xfe", partition=3, offset=12))
    ((key, value, headers),) = here.dead_letters
    assert (key, value) == (b"\xfe", b"\xff\x00")
    assert headers.pop("error").startswith("not JSON: ")
    assert headers == {
        "topic": topic,
        "partition": "3",
        "offset": "12",
        "schema": f"{INPUT_MODELS[topic].__name__}/1",
        "at": "2026-11-23T10:00:00.000+08:00",
    }
    assert here.tally["dead_letters", topic, "not_json"] == 1
    assert only(here.emits).partition is None
    assert effects.puts.keys() == {"controls"}


@pytest.mark.parametrize("topic", ["strategy-config", "buyer-list"])
def test_a_tombstone_on_a_compacted_input_is_ignored_57(topic: str) -> None:
    here = lane().feed(topic, None)
    assert here.emits == []
    assert here.tally == {("ignored", topic, "tombstone"): 1}


@pytest.mark.parametrize("topic", ["after-sale-request", "order-logistics", "refund-result", "control"])
def test_a_record_without_a_value_elsewhere_is_a_dead_letter(topic: str) -> None:
    ((_, value, headers),) = lane().feed(topic, None).dead_letters
    assert value is None
    assert headers["error"] == "no value"


def test_a_request_from_the_future_is_a_dead_letter_44() -> None:
    here = lane(1).feed("after-sale-request", request_value(applied_at=later(minutes=5, microseconds=1).isoformat()))
    ((_, _, headers),) = here.dead_letters
    assert headers["error"] == "applied_at: more than 5 minutes after the decision clock"
    assert here.tables.requests.of("shop-1", "r-1") is None
    here.feed("after-sale-request", request_value(applied_at=later(minutes=5).isoformat()))
    assert here.decision["reasons"] == ["strategy_missing"]


def test_the_codecs_bad_record_does_not_stop_the_good_ones_around_it() -> None:
    here = Lane()
    here.process(
        record("after-sale-request", request_value()),
        record("after-sale-request", b"?"),
        record("after-sale-request", request_value(request_id="r-2")),
    )
    assert [one["request_id"] for one in here.decisions] == ["r-1", "r-2"]
    assert len(here.dead_letters) == 1
