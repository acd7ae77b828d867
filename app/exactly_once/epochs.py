"""The next producer epoch of a lane, taken only where the lane is still ours.

aiokafka (0.14) initialises a producer without saying which epoch it had (InitProducerId v0), and the broker then hands the
id to whoever asks: right for a take-over, and wrong for a worker that only wants a fresh epoch. It may have been paused
meanwhile, and its lane be another's. So the request that names our producer id and epoch (KIP-360, brokers since 2.7) is
made here: the broker compares and refuses a worker that was fenced.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaError, ProducerFenced, for_code
from aiokafka.producer.transaction_manager import PidAndEpoch
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactString, Int16, Int32, Int64, Schema, TaggedFields

__all__ = ["take_next_epoch"]

log = logging.getLogger(__name__)

MARKERS_PAUSE_SECONDS: Final = 0.02
"""A commit is answered before its markers are written everywhere; until then the broker has us wait."""
NO_ERROR: Final = 0
CONCURRENT_TRANSACTIONS: Final = 51
FENCED: Final = frozenset({47, 49, 90})
"""INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED."""


class _Answer(Response):
    API_KEY = 22
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _Struct(RequestStruct):
    API_KEY = 22
    API_VERSION = 4
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")),
        ("transaction_timeout_ms", Int32),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _NextEpoch(Request[_Struct]):
    """InitProducerId v4."""

    API_KEY = 22

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        manager = self._manager
        return request_struct_class(
            manager.transactional_id, manager.transaction_timeout_ms, manager.producer_id, manager.producer_epoch, {}
        )


async def take_next_epoch(producer: AIOKafkaProducer, retry_seconds: float) -> None:
    """Give the idle `producer` the next epoch, between two transactions: what it sent under the last one is refused now.

    A repetition is harmless: the broker knows the epoch that was asked with. Raises ProducerFenced where another worker has
    taken the lane since; what Kafka's client raises otherwise, where it is no passing trouble. Repeats without end: the
    caller has a deadline.
    """
    manager, client = producer._txn_manager, producer.client
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.TRANSACTION, manager.transactional_id)
            answer = await client.send(node, _NextEpoch(manager), group=ConnectionGroup.COORDINATION)
        except KafkaError as error:
            if not error.retriable:
                raise
            log.info("asking for the next epoch of %s again: %r", manager.transactional_id, error)
            await client.force_metadata_update()
            await asyncio.sleep(retry_seconds)
            continue
        if answer.error_code == NO_ERROR:
            # What the client does at its start; it has no way of its own to do it again.
            manager._pid_and_epoch = PidAndEpoch(answer.producer_id, answer.producer_epoch)
            manager._sequence_numbers.clear()
            return
        if answer.error_code in FENCED:
            raise ProducerFenced
        if answer.error_code == CONCURRENT_TRANSACTIONS:
            await asyncio.sleep(MARKERS_PAUSE_SECONDS)
            continue
        refusal = for_code(answer.error_code)
        if not refusal.retriable:
            raise refusal(f"the next epoch of {manager.transactional_id}")
        await asyncio.sleep(retry_seconds)
