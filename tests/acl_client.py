"""Gives and takes single authorizations on a broker, through Kafka's protocol: quicker than its tool by a second each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest
from aiokafka.protocol.api import Request

from app.kafka.acls import Acl, Operation, Resource
from app.kafka.security import client_security
from app.settings import Settings

__all__ = ["AclClient", "acl_client", "singles"]

RESOURCES = {Resource.TOPIC: 2, Resource.GROUP: 3, Resource.TRANSACTIONAL_ID: 5}
OPERATIONS = {
    Operation.READ: 3, Operation.WRITE: 4, Operation.CREATE: 5, Operation.DESCRIBE: 8, Operation.DESCRIBE_CONFIGS: 10,
}  # fmt: skip
LITERAL, PREFIXED = 3, 4
ALLOW = 3
ANY_HOST = "*"


def singles(acls: Iterable[Acl]) -> Iterator[Acl]:
    """One for each name and operation."""
    for acl in acls:
        for name in acl.names:
            for operation in acl.operations:
                yield replace(acl, names=(name,), operations=(operation,))


class _CreateAll(Request[CreateAclsRequest_v1]):
    """aiokafka's own class creates one at a time."""

    API_KEY = 30

    def __init__(self, creations: list[tuple[Any, ...]]) -> None:
        self._creations = creations

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self._creations)


class AclClient:
    """An administrator's connection."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def give(self, acls: Iterable[Acl]) -> None:
        """Allow all of it."""
        answer = await self._client._send_request(_CreateAll([_fields(one) for one in singles(acls)]))
        assert {code for code, _ in answer.creation_responses} == {0}, answer

    async def take(self, single: Acl) -> None:
        """Allow it no more; it must have been allowed."""
        answer = await self._client._send_request(DeleteAclsRequest(*_fields(single)))
        ((code, _, found),) = answer.filter_responses
        assert (code, len(found)) == (0, 1), answer


def _fields(single: Acl) -> tuple[Any, ...]:
    ((name,), (operation,)) = single.names, single.operations
    pattern = PREFIXED if single.prefixed else LITERAL
    return (
        RESOURCES[single.resource], name, pattern, f"User:{single.user}", ANY_HOST, OPERATIONS[operation], ALLOW
    )  # fmt: skip


@asynccontextmanager
async def acl_client(settings: Settings) -> AsyncIterator[AclClient]:
    """As the user of these settings."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.brokers, **client_security(settings))
    await client.start()
    try:
        yield AclClient(client)
    finally:
        await client.close()
