"""`python -m app demo`: publishes the sample shops, and shows decisions, alerts and spend as they come.

A worker must be running (deploy/demo.sh starts everything). It ends with 1 where a promised decision is missing or
came twice: so it is a test of the whole as well.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from app.commands.demo_print import Printer
from app.errors import CommandFailed
from app.kafka import topics
from app.kafka.security import client_security
from app.kafka.trouble import in_words
from app.partitions import partitioner
from app.samples.shop import Sample, Stage, build_sample
from app.settings import Settings
from schemas.topics import AFTER_SALE_REQUEST, DEAD_LETTER, REFUND_ALERT, REFUND_DECISION

__all__ = ["main"]

STAGE_SECONDS_MAX: Final = 60
"""How long the worker may take for what one stage published; it may have just started."""
LAST_SECONDS_MAX: Final = 30
"""How long after its hold the last decision may take."""
HOLD_SECONDS_MAX: Final = 60
"""A longer hold is not waited for."""
POLL_SECONDS: Final = 0.2
SHOWN: Final = (REFUND_DECISION.name, REFUND_ALERT.name, DEAD_LETTER.name)


class _Demo:
    """One showing: a producer for the sample, a consumer for what comes of it, and what was seen so far."""

    def __init__(self, settings: Settings, partitions: int, sample: Sample, printer: Printer) -> None:
        self._settings = settings
        self._partitions = partitions
        self._partition_of = partitioner(partitions)
        self._sample = sample
        self._printer = printer
        self._published: dict[TopicPartition, int] = {}
        self._seen: Counter[str] = Counter()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Show everything. Raises CommandFailed where something stays out."""
        async with _opened(self._producer()) as producer, _opened(self._consumer(group=None)) as outputs:
            await self._stand_at_the_ends(outputs)
            async with _opened(self._consumer(group=self._settings.app_id)) as group, asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(self._watch(outputs))
                for stage in self._sample.stages:
                    self._printer.stage(stage.title)
                    await self._publish(producer, stage)
                    await self._until_taken_in(group)
                await self._until_all_decided()
                watching.cancel()

    def summary(self) -> None:
        """Print it. Raises CommandFailed where a decision is missing or came twice."""
        self._printer.summary(self._sample.sent_twice)
        missing = self._missing()
        twice = [one for one, number in self._seen.items() if number > 1]
        if missing or twice:
            raise CommandFailed(f"decisions missing: {sorted(missing)}; more than once: {sorted(twice)}")

    def _producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self._settings.brokers,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            **client_security(self._settings),
        )

    def _consumer(self, group: str | None) -> Any:
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.brokers,
            group_id=group,
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
            **client_security(self._settings),
        )

    async def _stand_at_the_ends(self, outputs: Any) -> None:
        mine = [TopicPartition(topic, number) for topic in SHOWN for number in range(self._partitions)]
        outputs.assign(mine)
        for partition, end in (await outputs.end_offsets(mine)).items():
            outputs.seek(partition, end)

    async def _publish(self, producer: Any, stage: Stage) -> None:
        for message in stage.messages:
            key = None if message.key is None else message.key.encode()
            for partition in message.partitions(self._partition_of, self._partitions):
                sent = await producer.send_and_wait(message.topic, message.body(), key=key, partition=partition)
                self._published[TopicPartition(message.topic, partition)] = sent.offset + 1
            self._printer.published(message)
            if stage.per_second:
                await asyncio.sleep(1 / stage.per_second)

    async def _until_taken_in(self, group: Any) -> None:
        """Until the worker has committed all that was published; so the next stage meets what this one changed."""
        deadline = time.monotonic() + STAGE_SECONDS_MAX
        waiting = dict(self._published)
        while waiting:
            for partition, needed in list(waiting.items()):
                if (await group.committed(partition) or 0) >= needed:
                    del waiting[partition]
            if waiting and time.monotonic() > deadline:
                topic, number = next(iter(waiting))
                raise CommandFailed(
                    f"no worker has taken in {topic}, partition {number}, for {STAGE_SECONDS_MAX} s: is one running "
                    f"as AUTOREFUND_APP_ID={self._settings.app_id}? (`python -m app worker`; its /readyz says more)"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _watch(self, outputs: Any) -> None:
        async for record in outputs:
            if record.topic == DEAD_LETTER.name:
                headers = {name: value.decode(errors="replace") for name, value in record.headers}
                self._printer.dead_letter(headers, record.value or b"")
                continue
            value = orjson.loads(record.value)
            if value["shop_id"] not in self._sample.shop_names:
                continue  # somebody else's
            if record.topic == REFUND_ALERT.name:
                self._printer.alert(value)
                continue
            self._seen[value["decision_id"]] += 1
            self._printer.decision(value)
            self._news.set()

    def _missing(self) -> set[str]:
        missing = set(self._sample.decided - self._seen.keys())
        if self._settings.hold_seconds > HOLD_SECONDS_MAX:
            missing.discard(self._sample.held_to_the_end)
        return missing

    async def _until_all_decided(self) -> None:
        hold = self._settings.hold_seconds
        if hold > HOLD_SECONDS_MAX:
            self._printer.stage(f"one request waits for its logistics for {hold} s; the demo does not")
        elif self._missing():
            self._printer.stage(f"one request waits for logistics that never come, {hold} s at most")
        with suppress(TimeoutError):  # the summary says what is missing
            async with asyncio.timeout(min(hold, HOLD_SECONDS_MAX) + LAST_SECONDS_MAX):
                while self._missing():
                    self._news.clear()
                    await self._news.wait()
        await asyncio.sleep(1)  # a decision that came twice would come now


@asynccontextmanager
async def _opened(client: Any) -> AsyncIterator[Any]:
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _show(settings: Settings, seed: int) -> None:
    checked = await topics.check(settings)
    now = datetime.now(UTC)
    sample = build_sample(now, f"{int(now.timestamp()) % 46656:04x}", seed)
    requests = sum(message.topic == AFTER_SALE_REQUEST.name for stage in sample.stages for message in stage.messages)
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    printer = Printer(sample, colours=colours)
    printer.start(requests)
    demo = _Demo(settings, checked.partitions, sample, printer)
    try:
        await demo.run()
    except (KafkaError, ExceptionGroup) as error:
        first = _first(error)
        if isinstance(first, KafkaError):
            raise CommandFailed(f"Kafka at {settings.brokers}: {in_words(first)}") from error
        raise first from None
    demo.summary()


def main(settings: Settings, *, seed: int) -> None:
    """The command. Raises CommandFailed."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters of it, our errors say
    asyncio.run(_show(settings, seed))
