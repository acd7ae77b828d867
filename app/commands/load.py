"""`python -m app load`: publishes the traffic of `app/samples/traffic.py` at its times, and says what it sent.

A record that is due is sent at once, also where its time is long over: so what is slow, here or in Kafka, is seen as a rate
that was not reached and as requests that were applied for earlier, never hidden by a rate that gives way.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from app.errors import CommandFailed
from app.kafka import topics
from app.kafka.reader import opened_producer
from app.partitions import partitioner
from app.progress import Progress
from app.samples.traffic import Kind, Planned, Profile, Traffic
from app.settings import Settings
from schemas.times import to_micros

__all__ = ["Loader", "main", "summary"]

SLEEP_SECONDS_MIN: Final = 0.001
"""A shorter wait costs more than it orders; the records go together then."""
BEHIND_SECONDS_MAX: Final = 1.0
"""Further behind its times than this, the summary says so."""
TAG_BASE: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Loader:
    """Sends records, each at its time, and counts them."""

    def __init__(self, producer: Any, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions
        self._home_of = partitioner(partitions)
        self._failure: BaseException | None = None
        self.sent: Counter[Kind] = Counter()
        self.behind_seconds = 0.0
        """The furthest that a record was behind its time."""

    async def send(self, records: Iterable[Planned], progress: Progress) -> float:
        """Send them all; returns the seconds it took until Kafka had the last one. Raises what the producer raises."""
        began = monotonic()
        for planned in records:
            ahead = began + planned.at_seconds - monotonic()
            if ahead > SLEEP_SECONDS_MIN:
                await asyncio.sleep(ahead)
            self.behind_seconds = max(self.behind_seconds, -ahead)
            await self._publish(planned)
            progress.to(self.sent.total())
        await self._producer.flush()
        if self._failure is not None:
            raise self._failure
        return monotonic() - began

    async def _publish(self, planned: Planned) -> None:
        if self._failure is not None:
            raise self._failure
        message, body = planned.message, planned.message.body()
        key = None if message.key is None else message.key.encode()
        for partition in message.partitions(self._home_of, self._partitions):
            delivery = await self._producer.send(message.topic, body, key=key, partition=partition)
            delivery.add_done_callback(self._delivered)
        self.sent[planned.kind] += 1

    def _delivered(self, delivery: asyncio.Future[Any]) -> None:
        error = asyncio.CancelledError() if delivery.cancelled() else delivery.exception()
        self._failure = self._failure or error


def summary(sent: Counter[Kind], seconds: float, behind_seconds: float, profile: Profile) -> str:
    """What was sent, by kind, and how quickly."""
    requests, records = sent[Kind.REQUEST], sent.total() - sent[Kind.STRATEGY]
    lines = [f"{kind.value:<28} {sent[kind]:>10,}{_share(sent[kind], requests, kind)}" for kind in Kind]
    asked = profile.rate * profile.shape.mean
    lines.append(
        f"{records:,} records in {seconds:.1f} s: {records / seconds:,.0f}/s; "
        f"{requests / seconds:,.0f} new requests/s, {asked:,.0f} were asked for"
    )
    if behind_seconds > BEHIND_SECONDS_MAX:
        lines.append(f"NOT KEPT UP: a record was sent {behind_seconds:.1f} s after its time")
    return "\n".join(lines)


def _share(number: int, requests: int, kind: Kind) -> str:
    return f"  {number / requests:6.1%}" if requests and kind not in {Kind.STRATEGY, Kind.REQUEST} else ""


def _tag_of(now: datetime) -> str:
    """A few letters and digits that no other run's instant gives."""
    number, text = to_micros(now), ""
    while number:
        number, digit = divmod(number, len(TAG_BASE))
        text = TAG_BASE[digit] + text
    return text


async def _load(settings: Settings, profile: Profile) -> str:
    checked = await topics.check(settings)
    async with opened_producer(settings) as producer:
        loader = Loader(producer, checked.partitions)
        strategies = list(Traffic(profile, datetime.now(UTC), "").strategies())
        progress = Progress("strategies", len(strategies), stream=sys.stderr)
        await loader.send(strategies, progress)
        progress.end()
        now = datetime.now(UTC)
        progress = Progress("load", len(strategies) + profile.records_expected, stream=sys.stderr)
        seconds = await loader.send(Traffic(profile, now, _tag_of(now)).records(), progress)
        progress.end()
    if not loader.sent[Kind.REQUEST]:
        raise CommandFailed(f"no request came in {profile.seconds:g} s at {profile.rate:g}/s; ask for more of either")
    return summary(loader.sent, seconds, loader.behind_seconds, profile)


def main(settings: Settings, profile: Profile) -> int:
    """The command."""
    sys.stdout.write(asyncio.run(_load(settings, profile)) + "\n")
    return 0
