"""Faust's consumer, made to deliver batches, read committed records only, and never to commit or to drop by itself.

Faust's cost per event is paid once a batch. A batch bears the epoch it was fetched in: each take-over seeks every
partition and begins a new epoch in the thread that fetches, so whatever was fetched before the seek can be told from what
was fetched after, wherever it was on its way meanwhile. Lanes take records of their own epoch only; within an epoch
nothing is ever left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import aiokafka
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as FaustConsumer
from faust.transport.drivers.aiokafka import Producer as FaustProducer
from faust.transport.drivers.aiokafka import Transport as FaustTransport
from faust.types import TP
from faust.types.tuples import Message
from mode import Service

from app.exactly_once.layer import SERVICE_LOG, LayerSettings
from app.exactly_once.membership import InstanceReplaced, Member

__all__ = ["BatchConsumer", "BatchTransport", "FetchedBatch", "FetchingThread"]

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = 0.5
NOTHING_ACTIVE_SECONDS: Final = 0.02
"""How long the fetch loop rests while every partition is paused; Faust's own loop would rest a whole second."""
FETCH_SECONDS_MAX: Final = 1.0


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """What a message's value is: all records of one fetch from one topic-partition."""

    epoch: int
    records: list[ConsumerRecord]


class FetchingThread(AIOKafkaConsumerThread):
    """The thread that talks to the group coordinator and fetches."""

    logger = SERVICE_LOG
    epoch = 0
    _member: Member | None = None

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        """As Faust's, but read_committed, with our fetch wait, and always with Faust's co-partitioning assignor."""
        conf = self.app.conf
        settings = cast(BatchTransport, transport).layer_settings
        self._assignor = self.app.assignor  # what the superclass's method does
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=settings.group_instance_id,
            bootstrap_servers=settings.brokers,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=settings.lane_records_max,
            max_partition_fetch_bytes=settings.fetch_bytes_max,
            fetch_max_wait_ms=settings.fetch_wait_ms,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=True,
            session_timeout_ms=int(settings.session_timeout_seconds * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            isolation_level="read_committed",
            **settings.client_security,
        )

    async def on_thread_stop(self) -> None:
        """As Faust's. aiokafka hands out the end of a fetch that it cancelled itself, which would end this thread unnoticed."""
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            log.info("the consumer was stopped while no broker answered")

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """As Faust's; remembers as whom."""
        coordinator, instance_id = self._ensure_consumer()._coordinator, self._instance_id
        if instance_id is not None:
            self._member = Member(instance_id, coordinator.generation, coordinator.member_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """As Faust's. Returns never where another worker has our instance id: what follows would be to join again."""
        await super().on_partitions_revoked(revoked)
        coordinator = self._ensure_consumer()._coordinator
        if self._member is not None and await self._member.is_replaced(coordinator, lambda: self.should_stop):
            self.app.loop.call_soon_threadsafe(self.app.crash_soon, InstanceReplaced(self._member.instance_id))
            while not self.should_stop:
                await asyncio.sleep(NOTHING_ACTIVE_SECONDS)
            raise asyncio.CancelledError

    @Service.task
    async def _watch_membership(self) -> None:
        """An error of the group stops the worker, and no topic is overlooked.

        aiokafka tells of an error to whoever fetches, and in a rebalance nobody does.
        """
        while not self.should_stop:
            await self.sleep(WATCH_SECONDS)
            if self._consumer is not None and self._consumer._coordinator is not None:
                try:
                    self._consumer._coordinator.check_errors()
                except KafkaError as error:
                    self.app.loop.call_soon_threadsafe(self.app.crash_soon, error)
                    return
                self._look_for_topics()

    def _look_for_topics(self) -> None:
        """Ask again for topics that were not there when the group's leader assigned.

        A broker that has just come back may not know its topics yet: their lanes are assigned to nobody then. Kafka's client
        has the group join anew once it sees them, but by itself looks again only after minutes.
        """
        consumer = self._ensure_consumer()
        if 0 in consumer._coordinator._metadata_snapshot.values():
            consumer._client.force_metadata_update()

    @property
    def _instance_id(self) -> str | None:
        return cast(BatchTransport, self.transport).layer_settings.group_instance_id

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        """As Faust's, with the epoch of the fetch. Nothing is awaited between the fetch's end and the look at the epoch."""
        records = await super()._fetch_records(*args, **kwargs)
        return self.epoch, records

    async def begin_epoch(self, epoch: int, positions: Mapping[TopicPartition, int]) -> None:
        """Seek, and begin an epoch. Runs in this thread."""
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            consumer.seek(tp, offset)
        self.epoch = epoch

    async def bounds_of(self, tps: Iterable[TopicPartition]) -> tuple[dict[Any, int], dict[Any, int]]:
        """First and end offsets. Runs in this thread."""
        consumer, tps = self._ensure_consumer(), list(tps)
        return await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)

    async def positions_of(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets up to which fetched records were handed out. Runs in this thread."""
        consumer, tps = self._ensure_consumer(), list(tps)
        return dict(zip(tps, await asyncio.gather(*(consumer.position(tp) for tp in tps)), strict=True))


class BatchConsumer(FaustConsumer):
    """Delivers `FetchedBatch`es."""

    logger = SERVICE_LOG
    _thread: FetchingThread

    def _new_consumer_thread(self) -> FetchingThread:
        return FetchingThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """One message for each topic-partition that had records."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        active = set(self._get_active_partitions())
        if not active:
            await asyncio.sleep(NOTHING_ACTIVE_SECONDS)
            return
        fetched = await self._getmany(active_partitions=active, timeout=min(timeout, FETCH_SECONDS_MAX))
        if self.should_stop or not fetched:
            return
        epoch, by_tp = fetched
        for tp, records in by_tp.items():
            message = self._to_message(tp, records[-1])
            message.value = FetchedBatch(epoch, records)
            yield tp, message

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's loop without its offset tracking, which drops what comes again after a seek.

        A delivery is given up only when the flow is suspended, that is in a rebalance: its epoch is over. To be cancelled
        is to be stopped; Faust would take it for a failure where a rebalance is going on.
        """
        try:
            while not (self.should_stop or fetcher.should_stop):
                async for _, message in self.getmany(timeout=FETCH_SECONDS_MAX):
                    await self.wait_first(self.callback(message), self.suspend_flow.wait())
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if not (self.should_stop or fetcher.should_stop):
                raise

    async def commit(self, *_: Any, **__: Any) -> bool:
        """Nothing: offsets are committed by the lanes' transactions."""
        return False

    async def _add_gap(self, *_: Any) -> None:
        """Nothing: Faust's tree of gaps grows with every batch."""

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust looks for its own commits; lanes are watched by the layer."""

    # What the lanes ask of the consumer.

    def resume_partitions(self, tps: Iterable[tuple[str, int]]) -> None:
        """As Faust's, for topic-partitions of whichever library (Faust insists on its own type)."""
        super().resume_partitions({TP(*tp) for tp in tps})

    async def begin_epoch(self, epoch: int, positions: Mapping[TopicPartition, int]) -> None:
        """Seek all partitions; what is fetched from now on bears `epoch`."""
        await self._thread.call_thread(self._thread.begin_epoch, epoch, positions)

    async def bounds_of(self, tps: Iterable[TopicPartition]) -> tuple[dict[Any, int], dict[Any, int]]:
        """First and end offsets."""
        return await self._thread.call_thread(self._thread.bounds_of, tps)  # type: ignore[no-any-return]

    async def positions_of(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Up to where records were handed out."""
        return await self._thread.call_thread(self._thread.positions_of, tps)  # type: ignore[no-any-return]


class IdleProducer(FaustProducer):
    """Faust starts one, and nothing is ever sent through it: lanes have producers of their own."""

    logger = SERVICE_LOG

    def _settings_auth(self) -> Mapping[str, Any]:
        """As every other client's."""
        return cast(BatchTransport, self.transport).layer_settings.client_security


class BatchTransport(FaustTransport):
    """Faust's Kafka transport with our consumer."""

    Consumer = BatchConsumer
    Producer = IdleProducer
    layer_settings: LayerSettings

    def __init__(self, url: Any, app: Any, layer_settings: LayerSettings) -> None:
        super().__init__(url, app)
        self.layer_settings = layer_settings
