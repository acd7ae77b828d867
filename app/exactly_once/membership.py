"""Static membership: a worker that has an instance id and is soon back under it finds its partitions as it left them.

The broker lets the last one who joins under an id replace the one before. aiokafka's heartbeats (0.14) do not bear the id,
so whoever was replaced only hears that it is not a member, as after a session that ran out; it would join anew, replace
its replacement, and so on for ever. A sync of the group does bear the id, and changes nothing. With it the coordinator is
asked, before each joining, whether the id is still ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError
from aiokafka.protocol.group import SyncGroupRequest

__all__ = ["InstanceReplaced", "Member"]

log = logging.getLogger(__name__)

FENCED_INSTANCE_ID: Final = 82
"""Kafka's code, which aiokafka does not know."""
ASK_AGAIN_SECONDS: Final = 0.1
ANSWER_SECONDS_MAX: Final = 10.0


class InstanceReplaced(Exception):  # noqa: N818 - what is the case
    """Another worker has joined under this worker's instance id. The process must end, or the two take turns for ever."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"another worker has joined the group under the instance id {instance_id}: this one ends. "
            "Each worker needs an instance id of its own"
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A static member, as the coordinator knew it when it gave us our partitions."""

    instance_id: str
    generation: int
    member_id: str

    async def is_replaced(self, coordinator: Any, given_up: Callable[[], bool]) -> bool:
        """Whether another has the instance id now; False where nobody can be asked, until `given_up` or for a while."""
        request = SyncGroupRequest(coordinator.group_id, self.generation, self.member_id, self.instance_id, [])
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                while not given_up():
                    try:
                        await coordinator.ensure_coordinator_known()
                        answer = await coordinator._send_req(request)
                    except KafkaError as error:
                        log.info("asking again whether the instance id is still ours: %r", error)
                        await asyncio.sleep(ASK_AGAIN_SECONDS)
                    else:
                        return bool(answer.error_code == FENCED_INSTANCE_ID)
        except TimeoutError:
            log.warning("the coordinator does not say whether the instance id %s is still ours", self.instance_id)
        return False
