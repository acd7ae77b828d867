"""Reading topics for a command: committed records only, from the beginning or an instant, to the ends they have now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from app.errors import CommandFailed
from app.exactly_once.offsets import OffsetsUnknown, committed_offsets
from app.kafka.admin import KafkaAdmin
from app.kafka.security import client_security
from app.kafka.trouble import in_words, why_no_start
from app.partitions import earlier_homes, partitioner
from app.settings import Settings
from schemas.topics import AFTER_SALE_REQUEST, all_topics

__all__ = ["KafkaReader", "home_of", "opened_producer", "opened_reader"]

START_SECONDS_MAX: Final = 20.0
STALL_SECONDS_MAX: Final = 30.0
FETCH_WAIT_MS: Final = 20
"""A broker answers one connection's requests in order: while a fetch at a topic's end waits there, so does every question after it."""
POLL_MS: Final = 500
FETCH_BYTES_MAX: Final = 4_000_000


class KafkaReader:
    """An open consumer, outside of any group."""

    def __init__(self, settings: Settings, consumer: Any, partitions: Mapping[str, int | None]) -> None:
        self.settings = settings
        self._consumer = consumer
        self._partitions = partitions
        self.partitions = _known(AFTER_SALE_REQUEST.name, partitions)
        """Of every topic."""
        self._home_of = home_of(self.partitions)

    def home(self, shop_id: str) -> int:
        """The shop's partition."""
        return self._home_of(shop_id)

    def homes(self, shop_id: str) -> list[int]:
        """Where the shop's outputs may lie: its partition, and those it had before topics grew."""
        return earlier_homes(shop_id, self.partitions)

    async def ends(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """End offsets (of committed records: markers and aborted records count, open transactions do not)."""
        return dict(await self._consumer.end_offsets(list(tps)))

    async def committed(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """What the workers have committed; 0 = nothing yet."""
        try:
            found = await committed_offsets(
                self.settings.brokers, self.settings.app_id, list(tps), **client_security(self.settings)
            )
        except OffsetsUnknown as error:
            raise CommandFailed(str(error)) from error
        return {tp: offset or 0 for tp, offset in found.items()}

    async def read(
        self,
        topic: str,
        partitions: Iterable[int] | None = None,
        *,
        since: datetime | None = None,
        until: dict[TopicPartition, int] | None = None,
    ) -> AsyncIterator[ConsumerRecord]:
        """The records of a topic, in order within each partition; `until` (end offsets) instead of the present ends."""
        tps = [TopicPartition(topic, p) for p in (range(self.partitions) if partitions is None else partitions)]
        _known(topic, self._partitions)
        self._consumer.assign(tps)
        ends = {tp: until[tp] for tp in tps} if until is not None else await self.ends(tps)
        await self._seek(tps, since)
        unread = {tp for tp in tps if await self._consumer.position(tp) < ends[tp]}
        moved_at = asyncio.get_running_loop().time()
        while unread:
            fetched = await self._consumer.getmany(*unread, timeout_ms=POLL_MS)
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
            reached = {tp for tp in unread if await self._consumer.position(tp) >= ends[tp]}
            unread -= reached
            if fetched or reached:
                moved_at = asyncio.get_running_loop().time()
            elif asyncio.get_running_loop().time() - moved_at > STALL_SECONDS_MAX:
                raise CommandFailed(f"reading {topic} does not move")

    async def _seek(self, tps: list[TopicPartition], since: datetime | None) -> None:
        first = await self._consumer.beginning_offsets(tps)
        if since is None:
            starts = first
        else:
            found = await self._consumer.offsets_for_times(dict.fromkeys(tps, int(since.timestamp() * 1000)))
            ends = await self.ends(tps)
            starts = {tp: ends[tp] if found[tp] is None else found[tp].offset for tp in tps}
        for tp in tps:
            self._consumer.seek(tp, max(starts[tp], first[tp]))


def _known(topic: str, partitions: Mapping[str, int | None]) -> int:
    """The number of its partitions. Raises CommandFailed where it does not exist, or is not for us."""
    if topic not in partitions:
        raise CommandFailed(f"there is no topic {topic}: `python -m app topics` creates it")
    number = partitions[topic]
    if number is None:
        raise CommandFailed(in_words(TopicAuthorizationFailedError(topic)))
    return number


def home_of(partitions: int) -> Callable[[str], int]:
    """The partition of each shop, among so many."""
    return partitioner(partitions)


@asynccontextmanager
async def opened_reader(settings: Settings) -> AsyncIterator[KafkaReader]:
    """A reader. Raises CommandFailed where no broker answers, or Kafka fails in between."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        **client_security(settings),
    )
    async with KafkaAdmin(settings) as admin:
        found = await admin.partitions([topic.name for topic in all_topics(settings.app_id)])
    _known(AFTER_SALE_REQUEST.name, found)
    async with _opened(settings, consumer):
        yield KafkaReader(settings, consumer, found)


@asynccontextmanager
async def opened_producer(settings: Settings, transactional_id: str | None = None) -> AsyncIterator[Any]:
    """An idempotent or transactional producer. Raises CommandFailed as `opened_reader`."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.brokers,
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        max_request_size=2 * FETCH_BYTES_MAX,
        **client_security(settings),
    )
    async with _opened(settings, producer):
        yield producer


@asynccontextmanager
async def _opened(settings: Settings, client: Any) -> AsyncIterator[None]:
    for chatty in ("aiokafka", "asyncio"):  # what matters of it, our errors say
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            await client.start()
            await asyncio.sleep(0)  # aiokafka cannot stop a client whose tasks have not begun
    except (KafkaError, TimeoutError, OSError) as error:
        await client.stop()
        raise CommandFailed(await why_no_start(error, settings.brokers, client_security(settings))) from error
    try:
        yield
    except KafkaError as error:
        raise CommandFailed(f"Kafka at {settings.brokers}: {in_words(error)}") from error
    finally:
        await client.stop()
