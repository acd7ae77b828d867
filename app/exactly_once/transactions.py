"""One lane's transactional producer: everything of a batch in one Kafka transaction, each await with a deadline."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Final, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, TransactionalIdAuthorizationFailed
from aiokafka.producer.message_accumulator import BatchBuilder

from app.exactly_once.epochs import take_next_epoch
from app.exactly_once.layer import LayerSettings
from app.lane_job import Emit

__all__ = ["LaneProducer", "StartedWriter", "TransactionWriter"]

log = logging.getLogger(__name__)

RETRY_BACKOFF_MS: Final = 250
"""The client's least pause before it repeats a request."""
CLOSE_SECONDS_MAX: Final = 5.0
BATCH_BYTES: Final = 1_000_000

Puts = Mapping[str, Mapping[bytes, bytes | None]]


class TransactionWriter(Protocol):
    """What a lane needs of its producer; tests give one that fails on demand."""

    async def commit(
        self, puts: Puts, emits: Iterable[Emit], offsets: Mapping[TopicPartition, int]
    ) -> Mapping[str, int]:
        """Write all of it in one transaction. Returns, by table, the changelog offset after the last record written.

        Raises aiokafka's ProducerFenced where another worker has the lane; after any other error, a cancellation too,
        the outcome is unknown.
        """

    async def close(self) -> None:
        """Release the connections; bounded in time, raises nothing."""


class StartedWriter(TransactionWriter, Protocol):
    """A `TransactionWriter` that has to take its lane first."""

    async def start(self) -> None:
        """Take the lane: ends a predecessor's open transaction, and fences it (design, 4)."""


class LaneProducer:
    """A `TransactionWriter` on a broker, under the transactional id of its partition."""

    def __init__(self, settings: LayerSettings, partition: int) -> None:
        self._settings = settings
        self._partition = partition
        self._producer: AIOKafkaProducer | None = None
        self._suspect = False

    async def start(self) -> None:
        """Take the lane: ends a predecessor's open transaction, and fences it (design, 4).

        Asks again where a broker is away, without end: the caller has a deadline.
        """
        while self._producer is None:
            producer = self._new_producer()
            try:
                await producer.start()
            except KafkaError as error:
                await _stop(producer)
                if not _passes(error):
                    raise
                log.info("taking lane %d is tried again: %r", self._partition, error)
                await asyncio.sleep(RETRY_BACKOFF_MS / 1000)
            except BaseException:
                await _stop(producer)
                raise
            else:
                self._producer = producer

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._settings.brokers,
            client_id=self._settings.transactional_id(self._partition),
            transactional_id=self._settings.transactional_id(self._partition),
            transaction_timeout_ms=int(self._settings.transaction_seconds_max * 1000),
            request_timeout_ms=int(self._settings.transaction_seconds_max * 1000),
            retry_backoff_ms=RETRY_BACKOFF_MS,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * self._settings.record_bytes_max,
            **self._settings.client_security,
        )

    async def commit(
        self, puts: Puts, emits: Iterable[Emit], offsets: Mapping[TopicPartition, int]
    ) -> Mapping[str, int]:
        """See `TransactionWriter`."""
        producer = self._producer
        if producer is None:
            raise RuntimeError("the producer is closed")
        async with asyncio.timeout(self._settings.transaction_seconds_max):
            if self._suspect:
                await self._take_next_epoch(producer)
            await producer.begin_transaction()
            with _what_ended_it(producer):
                with self._step():
                    written = await self._write(producer, puts, emits)
                if offsets:
                    with self._step():
                        await producer.send_offsets_to_transaction(dict(offsets), self._settings.app_id)
                with self._step():
                    await producer.commit_transaction()
        return {table: _end(futures) for table, futures in written.items()}

    async def close(self) -> None:
        """See `TransactionWriter`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Watch over the requests of one step of a transaction.

        A request whose connection broke is repeated after RETRY_BACKOFF_MS. So a step that took as long may have left a
        first copy behind in the network: an EndTxn that could end a later transaction of the same epoch, or a
        TxnOffsetCommit that could set a later one's offsets back. The next transaction then takes the next epoch first,
        under which the broker refuses whatever still comes of this one (design, 7).
        """
        started = monotonic()
        yield
        if (monotonic() - started) * 1000 >= RETRY_BACKOFF_MS:
            self._suspect = True

    async def _take_next_epoch(self, producer: AIOKafkaProducer) -> None:
        log.info("lane %d takes a new producer epoch after a slow transaction", self._partition)
        await take_next_epoch(producer, RETRY_BACKOFF_MS / 1000)
        self._suspect = False

    async def _write(
        self, producer: AIOKafkaProducer, puts: Puts, emits: Iterable[Emit]
    ) -> dict[str, list[tuple[asyncio.Future[object], int]]]:
        """Send all records, and wait until they are acknowledged. Returns what was sent to each table's changelog."""
        written = {
            table: await self._ship(
                producer, self._settings.changelog(table), self._partition, ((k, v, ()) for k, v in cells.items())
            )
            for table, cells in puts.items()
            if cells
        }
        sent = [
            await self._ship(producer, topic, partition, ((e.key, e.value, e.headers) for e in some))
            for (topic, partition), some in self._by_place(emits).items()
        ]
        await asyncio.gather(*(future for futures in (*written.values(), *sent) for future, _ in futures))
        return written

    def _by_place(self, emits: Iterable[Emit]) -> dict[tuple[str, int], list[Emit]]:
        places: dict[tuple[str, int], list[Emit]] = defaultdict(list)
        for emit in emits:
            partition = self._partition if emit.partition is None else emit.partition
            places[emit.topic, partition].append(emit)
        return places

    async def _ship(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        partition: int,
        records: Iterable[tuple[bytes | None, bytes | None, Iterable[tuple[str, bytes]]]],
    ) -> list[tuple[asyncio.Future[object], int]]:
        """Send records to one partition, in order. Returns a future and a count for each batch sent."""
        sent: list[tuple[asyncio.Future[object], int]] = []
        batch = producer.create_batch()
        for key, value, headers in records:
            if not _append(batch, key, value, headers):
                sent.append(await self._send(producer, batch, topic, partition))
                batch = producer.create_batch()
                if not _append(batch, key, value, headers):
                    raise ValueError(f"a record for {topic} does not fit an empty batch")
        if batch.record_count():
            sent.append(await self._send(producer, batch, topic, partition))
        return sent

    @staticmethod
    async def _send(
        producer: AIOKafkaProducer, batch: BatchBuilder, topic: str, partition: int
    ) -> tuple[asyncio.Future[object], int]:
        batch.close()
        return await producer.send_batch(batch, topic, partition=partition), batch.record_count()


@contextmanager
def _what_ended_it(producer: AIOKafkaProducer) -> Iterator[None]:
    """The client may tell what followed from an error, not the error: IllegalOperation after a fence that nobody waited for,
    InvalidTxnState of records that were on their way when one topic was refused. What ended the transaction is what counts.
    And it names a refused transactional id, but not where it was refused to a produce request."""
    try:
        yield
    except (KafkaError, IllegalOperation) as told:
        ended = producer._txn_manager.wait_for_transaction_end()
        error = ended.exception() if ended.done() and not ended.cancelled() else None
        if isinstance(cause := error or told, TransactionalIdAuthorizationFailed) and not cause.args:
            cause.args = (producer._txn_manager.transactional_id,)
        if cause is told:
            raise
        raise cause from told


def _append(batch: BatchBuilder, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> bool:
    return batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is not None


def _end(futures: list[tuple[asyncio.Future[object], int]]) -> int:
    future, count = futures[-1]
    offset = int(future.result().offset)  # type: ignore[attr-defined]  # RecordMetadata, untyped in aiokafka
    if offset < 0:
        raise ValueError("the broker acknowledged records that it had before, and does not know where")
    return offset + count


def _passes(error: KafkaError) -> bool:
    """Whether it is over by itself. aiokafka wraps a connection that broke amid its look for the coordinator as if it were not."""
    return any(isinstance(one, KafkaError) and one.retriable for one in (error, error.__cause__))


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await producer.stop()
    except Exception as error:  # noqa: BLE001 - it is over in any case: a successor fences what is left
        log.info("closing a producer: %r", error)
