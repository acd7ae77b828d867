"""What the broker allows us, asked before the work begins.

Kafka tells it along with metadata and groups, in versions of its protocol that aiokafka (0.14) has no classes for, or reads
too little of. Without asking, a missing authorization shows at the first record that needs it, and a missing group not at all:
the client then tries to join for ever, in silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import errors
from aiokafka.client import CoordinationType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

from app.errors import CommandFailed
from app.kafka.acls import Acl, Operation, Resource, User, acls
from app.kafka.admin import KafkaAdmin
from app.kafka.trouble import WHERE, in_words
from app.settings import Settings

__all__ = ["check_allowed"]

COORDINATOR_SECONDS_MAX: Final = 30.0
ASK_AGAIN_SECONDS: Final = 0.1
NOT_TOLD: Final = -(2**31)
_BITS: Final = {Operation.READ: 3, Operation.WRITE: 4, Operation.DESCRIBE_CONFIGS: 10}
UNSEEN: Final = 1 << _BITS[Operation.DESCRIBE_CONFIGS]
"""Of a topic that we may not even see: neither read nor write, and its settings are another matter."""
_TOPIC_REFUSED: Final = errors.TopicAuthorizationFailedError.errno
_GROUP_REFUSED: Final = errors.GroupAuthorizationFailedError.errno
_TEXT: Final = String("utf-8")


class _TopicsResponse(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("authorized_operations", Int32),
    )


class _TopicsStruct(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _TopicsRequest(Request[_TopicsStruct]):
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_TopicsStruct]) -> _TopicsStruct:
        return request_struct_class(self._topics, False, False, True)


class _GroupsResponse(Response):
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", _TEXT),
                ("state", _TEXT),
                ("protocol_type", _TEXT),
                ("protocol", _TEXT),
                (
                    "members",
                    Array(
                        ("member_id", _TEXT),
                        ("client_id", _TEXT),
                        ("client_host", _TEXT),
                        ("metadata", Bytes),
                        ("assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _GroupsStruct(RequestStruct):
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = _GroupsResponse
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class _GroupsRequest(Request[_GroupsStruct]):
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_GroupsStruct]) -> _GroupsStruct:
        return request_struct_class([self._group], True)


async def check_allowed(settings: Settings, user: User) -> None:
    """All that the ACLs of `user` allow is allowed to us, by whatever name we go.

    Raises CommandFailed, a line for each thing that is not. What the broker does not tell counts as allowed.
    """
    needed = [acl for acl in acls(settings.app_id) if acl.user is user]
    async with KafkaAdmin(settings) as admin:
        refused = [
            *await _topics_refused(admin, [acl for acl in needed if acl.resource is Resource.TOPIC]),
            *await _groups_refused(admin, [acl for acl in needed if acl.resource is Resource.GROUP]),
            *await _ids_refused(admin, [acl for acl in needed if acl.resource is Resource.TRANSACTIONAL_ID]),
        ]
    if refused:
        raise CommandFailed("\n".join([*refused, f"{WHERE}; `python -m app topics --acls` prints the commands"]))


async def _topics_refused(admin: KafkaAdmin, needed: Iterable[Acl]) -> list[str]:
    operations = {name: acl.operations for acl in needed for name in acl.names}
    answer = await admin.ask(_TopicsRequest(list(operations)))
    refused = []
    for topic in answer.to_object()["topics"]:
        name, bits = topic["topic"], topic["authorized_operations"]
        if topic["error_code"] == _TOPIC_REFUSED:
            bits = UNSEEN
        refused += _refused(f"topic {name}", operations[name], bits)
    return refused


async def _groups_refused(admin: KafkaAdmin, needed: Iterable[Acl]) -> list[str]:
    refused = []
    for acl in needed:
        for name in acl.names:
            coordinator = await _coordinator(admin, name, CoordinationType.GROUP)
            bits = 0
            if coordinator is not None:
                (group,) = (await admin.ask(_GroupsRequest(name), coordinator)).to_object()["groups"]
                bits = 0 if group["error_code"] == _GROUP_REFUSED else group["authorized_operations"]
            refused += _refused(f"group {name}", acl.operations, bits)
    return refused


async def _ids_refused(admin: KafkaAdmin, needed: Iterable[Acl]) -> list[str]:
    """Only whether the first id of each prefix is ours at all: to find out more would fence whoever uses it now."""
    refused = []
    for acl in needed:
        for name in acl.names:
            one = f"{name}0" if acl.prefixed else name
            if await _coordinator(admin, one, CoordinationType.TRANSACTION) is None:
                refused += _refused(f"transactional id {one}", acl.operations, 0)
    return refused


def _refused(what: str, operations: Iterable[Operation], bits: int) -> list[str]:
    if bits == NOT_TOLD:
        return []
    return [f"not authorized for {one} on {what}" for one in operations if not bits >> _BITS[one] & 1]


async def _coordinator(admin: KafkaAdmin, name: str, kind: Any) -> int | None:
    """The broker that coordinates it; None = we may not even ask. A cluster that has just begun needs a moment."""
    try:
        async with asyncio.timeout(COORDINATOR_SECONDS_MAX):
            while True:
                try:
                    return await admin.coordinator(name, kind)
                except (errors.GroupAuthorizationFailedError, errors.TransactionalIdAuthorizationFailed):
                    return None
                except errors.KafkaError as error:
                    if not error.retriable:
                        raise CommandFailed(f"the coordinator of {name}: {in_words(error)}") from error
                await asyncio.sleep(ASK_AGAIN_SECONDS)
    except TimeoutError:
        raise CommandFailed(f"no broker coordinates {name}, for {COORDINATOR_SECONDS_MAX:.0f} s") from None
