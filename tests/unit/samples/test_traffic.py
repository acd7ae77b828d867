"""The traffic of `load`: of the kind that domain.md describes, valid, and the same for the same seed. Bounds are wide."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import linear_regression, median, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.replay import Replay
from app.samples.records import Message
from app.samples.traffic import DUPLICATES_IN_TROUBLE, Kind, Planned, Profile, Shape, Traffic
from schemas.codec import decode
from schemas.times import format_time, parse_time
from schemas.topics import AFTER_SALE_REQUEST, REFUND_DECISION

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
REQUESTS = 20_000
SHOPS = 1_000


def traffic(profile: Profile, now: datetime = NOW) -> list[Planned]:
    return list(Traffic(profile, now, "t").records())


@pytest.fixture(scope="module")
def much() -> list[Planned]:
    return traffic(Profile(rate=REQUESTS, seconds=1.0, requests_max=REQUESTS, shops=SHOPS, seed=7))


@pytest.fixture(scope="module")
def kinds(much: list[Planned]) -> Counter[Kind]:
    return Counter(one.kind for one in much)


@pytest.fixture(scope="module")
def amounts(much: list[Planned]) -> list[int]:
    return [one.message.value["amount_fen"] for one in much if one.kind is Kind.REQUEST]


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        (Kind.DUPLICATE, 0.01, 0.02),
        (Kind.LATE_LOGISTICS, 0.015, 0.025),
        (Kind.WITHDRAWN, 0.05, 0.07),
        (Kind.ASKED_AGAIN, 0.024, 0.036),
        (Kind.EDITED, 0.015, 0.025),
    ],
)
def test_so_many_of_a_hundred_requests_are(kinds: Counter[Kind], kind: Kind, least: float, most: float) -> None:
    assert kinds[Kind.REQUEST] == REQUESTS
    assert least <= kinds[kind] / REQUESTS <= most


def test_every_order_is_told_of_once(kinds: Counter[Kind]) -> None:
    assert kinds[Kind.LOGISTICS] + kinds[Kind.LATE_LOGISTICS] == REQUESTS


def test_after_trouble_upstream_a_tenth_is_sent_twice() -> None:
    found = Counter(
        one.kind for one in traffic(Profile(rate=1e4, requests_max=5_000, duplicates=DUPLICATES_IN_TROUBLE))
    )
    assert 0.08 <= found[Kind.DUPLICATE] / 5_000 <= 0.12


def test_amounts_are_lognormal_about_39_yuan(amounts: list[int]) -> None:
    assert 3_600 <= median(amounts) <= 4_200
    assert 1.0 <= stdev(math.log(one) for one in amounts) <= 1.2


def test_two_fifths_of_the_amounts_end_in_nine_tenths(amounts: list[int]) -> None:
    assert 0.37 <= sum(one % 100 == 90 for one in amounts) / REQUESTS <= 0.43


@pytest.mark.parametrize("amount", [1000, 1001, 2000, 2001])
def test_amounts_pile_up_at_the_caps_and_a_fen_above_them(amounts: list[int], amount: int) -> None:
    beside = sum(amount - 60 <= one < amount - 10 for one in amounts) / 50
    assert amounts.count(amount) > 5 * max(1.0, beside)
    assert 0.005 <= amounts.count(amount) / REQUESTS <= 0.03


def test_shops_are_zipf_distributed_with_exponent_one(much: list[Planned]) -> None:
    counts = Counter(one.message.shop_id for one in much if one.kind is Kind.REQUEST)
    ranks = range(1, 51)
    found = [math.log(counts[f"shop-{rank:06}"]) for rank in ranks]
    slope, _ = linear_regression([math.log(rank) for rank in ranks], found)
    assert -1.15 <= slope <= -0.85


def test_the_same_seed_gives_the_same_traffic_and_another_seed_other_traffic() -> None:
    profile = Profile(rate=200, seconds=5, seed=3)
    assert traffic(profile) == traffic(profile)
    assert traffic(profile) != traffic(Profile(rate=200, seconds=5, seed=4))


def test_at_another_time_only_times_differ() -> None:
    def timeless(message: Message) -> str:
        words = [f"{name}={value}" for name, value in message.value.items() if not name.endswith("_at")]
        return " ".join(one for one in words if not one.startswith("parcels="))

    profile = Profile(rate=200, seconds=5)
    early, late = traffic(profile), traffic(profile, NOW + timedelta(days=9))
    assert [(one.at_seconds, one.kind) for one in early] == [(one.at_seconds, one.kind) for one in late]
    assert [timeless(one.message) for one in early] == [timeless(one.message) for one in late]


@settings(max_examples=25)
@given(
    rate=st.floats(0.5, 2_000),
    seconds=st.floats(0.1, 3),
    shape=st.sampled_from(Shape),
    shops=st.integers(1, 500),
    seed=st.integers(),
)
def test_records_come_in_order_each_is_valid_and_none_is_from_the_future(
    rate: float, seconds: float, shape: Shape, shops: int, seed: int
) -> None:
    found = traffic(Profile(rate=rate / shape.mean, seconds=seconds, shape=shape, shops=shops, seed=seed))
    assert all(one.at_seconds <= other.at_seconds <= seconds for one, other in pairwise(found))
    for one in found:
        decode(one.message.topic, one.message.body())
        if one.message.topic == AFTER_SALE_REQUEST.name:
            assert sum(item["amount_fen"] for item in one.message.value["items"]) == one.message.value["amount_fen"]


@pytest.mark.parametrize("shape", Shape)
def test_so_many_requests_as_were_asked_for_whatever_the_shape(shape: Shape) -> None:
    found = traffic(Profile.of_requests(2_000, 50, shape))
    assert sum(one.kind is Kind.REQUEST for one in found) == 2_000


def test_the_number_of_records_is_known_roughly_beforehand(much: list[Planned]) -> None:
    expected = Profile.of_requests(REQUESTS, 100, Shape.STEADY).records_expected
    assert expected == pytest.approx(len(much), rel=0.03)


def test_nobody_applies_after_their_request_was_sent() -> None:
    for one in traffic(Profile(rate=300, seconds=5)):
        if one.kind in {Kind.REQUEST, Kind.ASKED_AGAIN}:
            applied = parse_time(one.message.value["applied_at"]) - NOW
            assert applied.total_seconds() <= one.at_seconds + 31 + 20
            if one.at_seconds < 4:
                assert abs(applied.total_seconds() - one.at_seconds) < 0.001


def test_an_evening_is_fifteen_times_its_afternoon() -> None:
    found = [
        one.at_seconds for one in traffic(Profile(rate=60, seconds=10, shape=Shape.EVENING)) if one.kind is Kind.REQUEST
    ]
    afternoon, evening = sum(at < 3 for at in found) / 3, sum(3 <= at < 8 for at in found) / 5
    assert 10 <= evening / afternoon <= 20


def test_a_share_of_the_shops_has_strategies_and_they_are_valid() -> None:
    found = list(Traffic(Profile(shops=2_000, with_strategies=0.25), NOW, "t").strategies())
    shops = {one.message.shop_id for one in found}
    assert 0.2 <= len(shops) / 2_000 <= 0.3
    assert {one.message.value["strategy_id"] for one in found} == {"small", "bestseller", "trial"}
    for one in found:
        decode(one.message.topic, one.message.body())


def test_a_worker_finds_enough_to_approve_and_enough_reasons_not_to() -> None:
    profile = Profile(rate=1_000, seconds=2, shops=50, with_strategies=0.6)
    replay, decisions = Replay(), Counter[str]()
    for one in [*Traffic(profile, NOW, "t").strategies(), *traffic(profile)]:
        at = format_time(NOW + timedelta(seconds=one.at_seconds))
        for line in replay.feed(
            {"topic": one.message.topic, "key": one.message.key, "value": one.message.value, "at": at}
        ):
            if line["topic"] == REFUND_DECISION.name:
                decisions[line["value"]["reasons"][0]] += 1
    assert decisions["approved"] > 50
    assert {
        "over_per_order_cap",
        "risk_flagged",
        "not_refund_only",
        "strategy_missing",
        "not_shipped",
    } <= decisions.keys()


def test_a_repeat_is_the_same_record() -> None:
    found = traffic(Profile(rate=2_000, seconds=2))
    requests = {one.message.body() for one in found if one.kind is Kind.REQUEST}
    repeats = [one.message for one in found if one.kind is Kind.DUPLICATE]
    assert repeats
    assert all(one.body() in requests and one.topic == AFTER_SALE_REQUEST.name for one in repeats)
