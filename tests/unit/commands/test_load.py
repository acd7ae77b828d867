"""`load`: its options, how it keeps to its times, and its summary. That Kafka gets it all: tests/integration/test_load.py."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from collections import Counter
from typing import Any

import pytest

from app.__main__ import main
from app.commands.load import Loader, summary
from app.commands.load_options import add_load, profile_of
from app.errors import UsageError
from app.progress import Progress
from app.samples.records import Message
from app.samples.traffic import DUPLICATES_IN_TROUBLE, Kind, Planned, Profile, Shape


def profile(*options: str) -> Profile:
    parser = ArgumentParser()
    add_load(lambda *_: parser, lambda _: 0)
    return profile_of(parser.parse_args(options))


def test_a_minute_at_a_hundred_requests_a_second_unless_told_otherwise() -> None:
    assert profile() == Profile(rate=100, seconds=60, shops=10_000, seed=1)


def test_options_reach_the_profile() -> None:
    found = profile(
        "--rate", "5", "--requests", "1000", "--shops", "7", "--strategies", "0", "--seed", "9", "--trouble"
    )
    assert (found.rate, found.requests_max, found.shops, found.with_strategies, found.seed) == (5, 1000, 7, 0, 9)
    assert found.seconds == pytest.approx(200)
    assert found.duplicates == DUPLICATES_IN_TROUBLE


@pytest.mark.parametrize(
    "options",
    [
        ("--rate", "0"), ("--rate", "much"), ("--rate", "nan"), ("--seconds", "-1"), ("--requests", "0"), ("--shops", "0"),
        ("--strategies", "101"), ("--shape", "flat"), ("--seconds", "1", "--requests", "1"),
    ],
)  # fmt: skip
def test_a_wrong_option_exits_2(options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["load", *options])
    assert end.value.code == 2


def test_a_peak_that_no_sender_reaches_is_refused() -> None:
    with pytest.raises(UsageError, match="the peak is over"):
        profile("--rate", "1000", "--shape", Shape.SALE.value)


class SlowProducer:
    """Takes its time for each record; or fails to deliver."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self._seconds = seconds
        self._error = error
        self.sent: list[tuple[str, bytes | None, int]] = []

    async def send(self, topic: str, value: bytes, *, key: bytes | None, partition: int) -> asyncio.Future[Any]:
        await asyncio.sleep(self._seconds)
        self.sent.append((topic, key, partition))
        delivery: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._error is None:
            delivery.set_result(None)
        else:
            delivery.set_exception(self._error)
        return delivery

    async def flush(self) -> None:
        await asyncio.sleep(0)


def planned(*at_seconds: float) -> list[Planned]:
    return [
        Planned(at, Kind.REQUEST, Message("after-sale-request", "shop-1", "shop-1", {"at": at})) for at in at_seconds
    ]


async def test_a_record_is_never_sent_before_its_time() -> None:
    loader, clock = Loader(SlowProducer(), 4), asyncio.get_running_loop().time
    began = clock()
    await loader.send(planned(0, 0.05, 0.1), Progress("load", stream=None))
    assert clock() - began >= 0.1


async def test_who_is_late_sends_at_once_and_says_by_how_much() -> None:
    loader = Loader(SlowProducer(seconds=0.02), 4)
    await loader.send(planned(*[0.0] * 6), Progress("load", stream=None))
    assert loader.sent == {Kind.REQUEST: 6}
    assert loader.behind_seconds >= 0.1


async def test_a_record_that_kafka_refuses_ends_it() -> None:
    loader = Loader(SlowProducer(error=ConnectionError("gone")), 4)
    with pytest.raises(ConnectionError):
        await loader.send(planned(0, 0), Progress("load", stream=None))


def test_the_summary_counts_by_kind_and_tells_the_rate_that_was_reached() -> None:
    sent = Counter({Kind.STRATEGY: 5, Kind.REQUEST: 1_000, Kind.LOGISTICS: 1_000, Kind.EDITED: 20})
    lines = summary(sent, 10.0, 0.2, Profile(rate=100)).splitlines()
    assert lines[0].split() == ["strategy", "5"]
    assert next(line for line in lines if line.startswith("edited")).split() == ["edited", "20", "2.0%"]
    assert lines[-1] == "2,020 records in 10.0 s: 202/s; 100 new requests/s, 100 were asked for"


def test_a_load_that_was_not_kept_up_says_so() -> None:
    assert "NOT KEPT UP" in summary(Counter({Kind.REQUEST: 1}), 10.0, 3.0, Profile())
