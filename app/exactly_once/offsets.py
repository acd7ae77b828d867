"""The group's committed offsets, asked for so that "none" is never taken for "not known at the moment".

A broker whose group coordinator is still loading, or has moved away, says so in one field of its whole answer, which names
no partition then. aiokafka's clients (0.14) do not look at that field: `AIOKafkaConsumer.committed` then says None, as for
a partition that nobody ever committed, and a lane would begin at the beginning. The admin client leaves out what the
answer does not name, so what is missing there is asked for again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from app.exactly_once.layer import LayerSettings

__all__ = ["CommittedOffsets", "OffsetsUnknown", "committed_offsets", "group_offsets"]

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS: Final = 0.1
ANSWER_SECONDS_MAX: Final = 60.0
REQUEST_SECONDS_MAX: Final = 30.0
NEVER_COMMITTED: Final = -1
Offsets = dict[TopicPartition, int | None]
CommittedOffsets = Callable[[LayerSettings, Collection[TopicPartition]], Awaitable[Offsets]]
"""What `group_offsets` is; tests give one of their own."""


class OffsetsUnknown(Exception):  # noqa: N818 - what is the case
    """The group coordinator did not name every partition's offset in time. The process must start over."""


class Asked(Protocol):
    """What is needed of an admin client."""

    async def list_consumer_group_offsets(
        self, group_id: str, *, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        """aiokafka's."""


async def group_offsets(settings: LayerSettings, tps: Collection[TopicPartition]) -> Offsets:
    """`committed_offsets` of the workers' group. After fencing they are final."""
    return await committed_offsets(settings.brokers, settings.app_id, tps, **settings.client_security)


async def committed_offsets(brokers: str, group_id: str, tps: Collection[TopicPartition], **client: Any) -> Offsets:
    """The next offset to read of each partition, by the group; None = nobody ever committed one.

    `client`: more for aiokafka's client. Raises OffsetsUnknown where no whole answer comes in time, and what the client
    raises.
    """
    if not tps:
        return {}
    admin = AIOKafkaAdminClient(
        bootstrap_servers=brokers,
        client_id=f"{group_id}-offsets",
        request_timeout_ms=int(REQUEST_SECONDS_MAX * 1000),
        **client,
    )
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await admin.start()
            return await ask(admin, group_id, tps)
    except TimeoutError as error:
        raise OffsetsUnknown(f"no committed offsets of group {group_id} in {ANSWER_SECONDS_MAX:.0f} s") from error
    finally:
        await admin.close()


async def ask(admin: Asked, group_id: str, tps: Collection[TopicPartition]) -> Offsets:
    """Ask until every partition is named. Raises what Kafka's client raises, where it is no passing trouble."""
    while True:
        try:
            found = await admin.list_consumer_group_offsets(group_id, partitions=list(tps))
        except KafkaError as error:
            if not error.retriable:
                raise
            log.info("asking for committed offsets again: %r", error)
        else:
            if all(tp in found for tp in tps):
                return {tp: None if found[tp].offset == NEVER_COMMITTED else int(found[tp].offset) for tp in tps}
            log.info("asking for committed offsets again: the coordinator of group %s is not ready", group_id)
        await asyncio.sleep(ASK_AGAIN_SECONDS)
