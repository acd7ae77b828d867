"""Kafka's administration, as far as `topics` needs it: what topics are there, how are they set, create more.

Committed offsets are read elsewhere (`app.exactly_once.offsets`). Tried against Apache Kafka 4.2: the calls used here answer rightly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, for_code

from app.errors import CommandFailed
from app.kafka_security import client_security
from app.kafka_trouble import in_words, why_no_start
from app.settings import Settings

__all__ = ["FoundTopic", "KafkaAdmin", "NewTopicPlan"]

REQUEST_SECONDS_MAX: Final = 10
START_SECONDS_MAX: Final = 20
SETTLE_SECONDS_MAX: Final = 15
"""How long a new topic may take until every partition has a leader."""

_OK: Final = 0
_UNKNOWN_TOPIC: Final = 3
_LEADER_NOT_AVAILABLE: Final = 5
_NOT_AUTHORIZED: Final = 29
_TOPIC_EXISTS: Final = 36


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as it is. `replication` is that of its least replicated partition; `config` the settings in force."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]
    settled: bool = True


@dataclass(frozen=True, slots=True)
class NewTopicPlan:
    """A topic to create."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


class KafkaAdmin:
    """An open connection. Raises CommandFailed wherever the cluster cannot be reached or refuses."""

    def __init__(self, settings: Settings) -> None:
        self._brokers = settings.brokers
        self._security = client_security(settings)
        self._client: Any = None

    async def __aenter__(self) -> Self:
        self._client = AIOKafkaAdminClient(
            bootstrap_servers=self._brokers,
            request_timeout_ms=REQUEST_SECONDS_MAX * 1000,
            client_id="autorefund-topics",
            **self._security,
        )
        try:
            await asyncio.wait_for(self._client.start(), START_SECONDS_MAX)
        except (KafkaConnectionError, TimeoutError, OSError) as error:
            await self._client.close()
            raise CommandFailed(await why_no_start(error, self._brokers, self._security)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def broker_count(self) -> int:
        """How many brokers the cluster has now."""
        return len((await self._call(self._client.describe_cluster()))["brokers"])

    async def describe(self, names: Sequence[str]) -> dict[str, FoundTopic]:
        """The topics of these names that exist."""
        found = {}
        for one in await self._call(self._client.describe_topics(list(names))):
            if one["error_code"] == _UNKNOWN_TOPIC:
                continue
            if one["error_code"] not in {_OK, _LEADER_NOT_AVAILABLE}:
                raise CommandFailed(f"topic {one['topic']}: {in_words(for_code(one['error_code'])(one['topic']))}")
            found[one["topic"]] = one["partitions"]
        configs = await self._configs(found)
        return {
            name: FoundTopic(
                name=name,
                partitions=len(partitions),
                replication=min((len(one["replicas"]) for one in partitions), default=0),
                config=configs[name],
                settled=bool(partitions) and all(one["error_code"] == _OK for one in partitions),
            )
            for name, partitions in found.items()
            if name in configs
        }

    async def create(self, plans: Sequence[NewTopicPlan]) -> None:
        """Create the topics and wait until they can be used. One that somebody else has just created is fine."""
        asked = [NewTopic(one.name, one.partitions, one.replication, topic_configs=one.config) for one in plans]
        answer = await self._call(self._client.create_topics(asked, timeout_ms=REQUEST_SECONDS_MAX * 1000))
        failures = [
            f"{name}: could not be created: {message or for_code(code).__name__}"
            for name, code, message in answer.topic_errors
            if code not in {_OK, _TOPIC_EXISTS}
        ]
        if failures:
            raise CommandFailed("\n".join(failures))
        await self._settle([one.name for one in plans])

    async def ask(self, request: Any, node: int | None = None) -> Any:
        """Send one request of Kafka's protocol, to a certain broker or to any."""
        return await self._call(self._client._send_request(request, node))  # noqa: SLF001 - aiokafka has no other way

    async def coordinator(self, name: str, kind: int) -> int:
        """The broker that coordinates a group or a transactional id. Raises aiokafka's errors as they are."""
        return int(await asyncio.wait_for(self._client.find_coordinator(name, kind), 2 * REQUEST_SECONDS_MAX))

    async def partitions(self, names: Sequence[str]) -> dict[str, int | None]:
        """How many partitions each topic has that exists; None = we are not authorized to know."""
        found = await self._call(self._client.describe_topics(list(names)))
        return {
            one["topic"]: None if one["error_code"] == _NOT_AUTHORIZED else len(one["partitions"])
            for one in found
            if one["error_code"] != _UNKNOWN_TOPIC
        }

    async def add_partitions(self, names: Sequence[str], partitions: int) -> None:
        """Give the topics so many partitions, and wait until they can be used."""
        if not names:
            return
        asked = {name: NewPartitions(partitions) for name in names}
        await self._call(self._client.create_partitions(asked, timeout_ms=REQUEST_SECONDS_MAX * 1000))
        await self._settle(names, partitions)

    async def members(self, group: str) -> int:
        """How many members a consumer group has now."""
        answers = await self._call(self._client.describe_consumer_groups([group]))
        return sum(len(one[5]) for answer in answers for one in answer.groups)

    async def _settle(self, names: Sequence[str], partitions: int = 1) -> None:
        try:
            async with asyncio.timeout(SETTLE_SECONDS_MAX):
                while True:
                    found = await self.describe(names)
                    done = (one.settled and one.partitions >= partitions for one in found.values())
                    if len(found) == len(names) and all(done):
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise CommandFailed(
                f"created, but without leaders after {SETTLE_SECONDS_MAX} s: {', '.join(names)}"
            ) from None

    async def _configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        configs = {}
        for answer in await self._call(self._client.describe_configs(resources)):
            for code, message, _kind, name, entries in answer.resources:
                if code == _UNKNOWN_TOPIC:
                    continue  # deleted since we listed it, or not yet known to the broker that was asked
                if code != _OK:
                    raise CommandFailed(
                        f"topic {name}: its settings cannot be read: {message or for_code(code).__name__}"
                    )
                configs[name] = {entry[0]: entry[1] for entry in entries}
        return configs

    async def _call(self, call: Any) -> Any:
        try:
            return await asyncio.wait_for(call, 2 * REQUEST_SECONDS_MAX)
        except (KafkaError, TimeoutError, OSError) as error:
            raise CommandFailed(f"Kafka at {self._brokers} does not do as asked: {in_words(error)}") from error
