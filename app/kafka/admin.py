"""Kafka's administration, as far as `topics` needs it: what topics are there, how are they set, create more.

Committed offsets are read elsewhere (`app.exactly_once.offsets`). Tried against Apache Kafka 4.2: the calls used here answer rightly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from app.errors import CommandFailed
from app.kafka.security import client_security
from app.kafka.trouble import in_words, nobody_answers, why_no_start
from app.settings import Settings

__all__ = ["FoundTopic", "KafkaAdmin", "NewTopicPlan", "NoBroker"]

log = logging.getLogger(__name__)

REQUEST_SECONDS_MAX: Final = 10
START_SECONDS_MAX: Final = 20
SETTLE_SECONDS_MAX: Final = 15
"""How long a new topic may take until every partition has a leader."""

BROKER_SECONDS_MAX: Final = 5
"""How long one broker of several may take to say how it is set."""
ASK_AGAIN_SECONDS: Final = 0.2

_OK: Final = 0
_UNKNOWN_TOPIC: Final = 3
_LEADER_NOT_AVAILABLE: Final = 5
_NOT_AUTHORIZED: Final = 29
_TOPIC_EXISTS: Final = 36
_NOT_FOR_US: Final = (29, 31)
"""Topic and cluster authorization failed."""


class NoBroker(CommandFailed):
    """None of the brokers answers."""


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
            reason = await why_no_start(error, self._brokers, self._security)
            kind = NoBroker if reason == nobody_answers(self._brokers) else CommandFailed
            raise kind(reason) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def broker_count(self) -> int:
        """How many brokers the cluster has now."""
        return len((await self._call(self._client.describe_cluster))["brokers"])

    async def describe(self, names: Sequence[str]) -> dict[str, FoundTopic]:
        """The topics of these names that exist."""
        return await self._describe(names, but=(_UNKNOWN_TOPIC,))

    async def describe_visible(self, names: Sequence[str]) -> dict[str, FoundTopic]:
        """As `describe`, without those that we may not look at."""
        return await self._describe(names, but=(_UNKNOWN_TOPIC, *_NOT_FOR_US))

    async def broker_settings(self) -> dict[int, dict[str, str]]:
        """The settings of each broker that is there now, by its number; without those that do not answer, or not to us."""
        nodes = [one["node_id"] for one in (await self._call(self._client.describe_cluster))["brokers"]]
        found = await asyncio.gather(*(self._settings_of(node) for node in nodes))
        return {node: config for node, config in zip(nodes, found, strict=True) if config}

    async def _settings_of(self, node: int) -> dict[str, str]:
        resource = ConfigResource(ConfigResourceType.BROKER, str(node))
        try:
            (answer,) = await asyncio.wait_for(self._client.describe_configs([resource]), BROKER_SECONDS_MAX)
        except (KafkaError, TimeoutError, OSError) as error:
            log.info("broker %d does not say how it is set: %r", node, error)
            return {}
        ((code, message, _kind, _name, entries),) = answer.resources
        if code not in {_OK, *_NOT_FOR_US}:
            raise CommandFailed(f"broker {node}: its settings cannot be read: {message or f'error {code}'}")
        return {entry[0]: entry[1] for entry in entries}

    async def _describe(self, names: Sequence[str], but: tuple[int, ...]) -> dict[str, FoundTopic]:
        found = {}
        # Not by the client's own method: it lets the broker create what it asks after (auto.create.topics.enable).
        metadata = await self._call(lambda: self._client._send_request(MetadataRequest(list(names), False)))  # noqa: SLF001
        for one in metadata.to_object()["topics"]:
            if one["error_code"] in but:
                continue
            if one["error_code"] not in {_OK, _LEADER_NOT_AVAILABLE}:
                raise CommandFailed(f"topic {one['topic']}: {in_words(for_code(one['error_code'])(one['topic']))}")
            found[one["topic"]] = one["partitions"]
        configs = await self._configs(found, but)
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
        answer = await self._call(lambda: self._client.create_topics(asked, timeout_ms=REQUEST_SECONDS_MAX * 1000))
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
        return await self._call(lambda: self._client._send_request(request, node))  # noqa: SLF001 - aiokafka has no other way

    async def coordinator(self, name: str, kind: int) -> int:
        """The broker that coordinates a group or a transactional id. Raises aiokafka's errors as they are."""
        return int(await asyncio.wait_for(self._client.find_coordinator(name, kind), 2 * REQUEST_SECONDS_MAX))

    async def partitions(self, names: Sequence[str]) -> dict[str, int | None]:
        """How many partitions each topic has that exists; None = we are not authorized to know."""
        found = await self._call(lambda: self._client.describe_topics(list(names)))
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
        await self._call(lambda: self._client.create_partitions(asked, timeout_ms=REQUEST_SECONDS_MAX * 1000))
        await self._settle(names, partitions)

    async def members(self, group: str) -> int:
        """How many members a consumer group has now."""
        answers = await self._call(lambda: self._client.describe_consumer_groups([group]))
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

    async def _configs(self, names: Iterable[str], but: tuple[int, ...]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        configs = {}
        for answer in await self._call(lambda: self._client.describe_configs(resources)):
            for code, message, _kind, name, entries in answer.resources:
                if code in but:
                    continue  # deleted since we listed it, or not yet known to the broker that was asked
                if code != _OK:
                    raise CommandFailed(
                        f"topic {name}: its settings cannot be read: {message or for_code(code).__name__}"
                    )
                configs[name] = {entry[0]: entry[1] for entry in entries}
        return configs

    async def _call(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The client asks any broker; where that one is away just now, another."""
        until = monotonic() + 2 * REQUEST_SECONDS_MAX
        while True:
            try:
                return await asyncio.wait_for(ask(), 2 * REQUEST_SECONDS_MAX)
            except (KafkaError, TimeoutError, OSError) as error:
                if not getattr(error, "retriable", False) or monotonic() > until:
                    raise CommandFailed(f"Kafka at {self._brokers} does not do as asked: {in_words(error)}") from error
            await asyncio.sleep(ASK_AGAIN_SECONDS)
