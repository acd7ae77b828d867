"""`python -m app topics`: creates the topics of the catalogue, or checks them. The worker's start makes the same check.

A topic that is set differently is an error, never mended here: what it lost is lost, and whoever set it may have had
a reason. Topics that others fill are theirs as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import CommandFailed
from app.kafka.admin import FoundTopic, KafkaAdmin, NewTopicPlan
from app.kafka.own_topics import OWN_TOPICS, min_in_sync, own_differences
from app.settings import Settings
from schemas.topics import AFTER_SALE_REQUEST, FOREVER_MS, Cleanup, Topic, all_topics

__all__ = ["Checked", "TopicsDiffer", "check", "create", "differences", "main", "main_acls", "markdown_table"]

REPLICATION_MAX: Final = 3
"""Copies of each partition unless the setting says otherwise; fewer where there are fewer brokers."""


class TopicsDiffer(CommandFailed):
    """Topics are missing or set so that something could be lost. `differences`: one text each."""

    def __init__(self, found: Sequence[str]) -> None:
        super().__init__("\n".join(found))
        self.differences = tuple(found)


@dataclass(frozen=True, slots=True)
class Checked:
    """All topics are as they should be. `partitions` is the number of lanes; `created` what was not there before."""

    partitions: int
    replication: int
    created: tuple[str, ...] = ()


async def check(settings: Settings) -> Checked:
    """All topics are there and lose nothing. Raises TopicsDiffer, or CommandFailed where no broker answers."""
    async with KafkaAdmin(settings) as admin:
        return await _check(settings, admin)


async def create(settings: Settings) -> Checked:
    """Check what is there, create what is missing, check again. Creates nothing where something is set differently."""
    async with KafkaAdmin(settings) as admin:
        catalogue = all_topics(settings.app_id)
        found = await admin.describe([one.name for one in catalogue])
        partitions = _partitions(settings, found)
        if "partitions" in settings.model_fields_set and partitions != settings.partitions:
            text = (
                f"{AFTER_SALE_REQUEST.name}: has {partitions} partitions, AUTOREFUND_PARTITIONS says {settings.partitions}. "
                "The topic's number counts: unset the variable (`python -m app topics --grow-to` is how it grows)"
            )
            raise TopicsDiffer([text])
        brokers = await admin.broker_count()
        replication = settings.replication or min(REPLICATION_MAX, brokers)
        there = [one for one in catalogue if one.name in found]
        wrong = list(differences(there, found, partitions, replication, settings.brokers))
        if replication <= brokers:  # more cannot be had, and the cluster says so itself
            wrong += await _own_wrong(settings, admin, replication)
        if wrong:
            raise TopicsDiffer(wrong)
        plans = [
            NewTopicPlan(
                one.name, partitions, replication, one.config() | {"min.insync.replicas": str(min_in_sync(replication))}
            )
            for one in catalogue
            if one.name not in found
        ]
        if plans:
            await admin.create(plans)
        checked = await _check(settings, admin)
        return Checked(checked.partitions, checked.replication, tuple(one.name for one in plans))


async def _check(settings: Settings, admin: KafkaAdmin) -> Checked:
    catalogue = all_topics(settings.app_id)
    found = await admin.describe([one.name for one in catalogue])
    partitions = _partitions(settings, found)
    replication = settings.replication or min(REPLICATION_MAX, await admin.broker_count())
    wrong = list(differences(catalogue, found, partitions, replication, settings.brokers))
    wrong += await _own_wrong(settings, admin, replication)
    if wrong:
        raise TopicsDiffer(wrong)
    return Checked(partitions, replication)


def _partitions(settings: Settings, found: Mapping[str, FoundTopic]) -> int:
    requests = found.get(AFTER_SALE_REQUEST.name)
    return requests.partitions if requests else settings.partitions


async def _own_wrong(settings: Settings, admin: KafkaAdmin, replication: int) -> list[str]:
    """What is wrong with Kafka's own topics."""
    found = await admin.describe_visible([one.name for one in OWN_TOPICS])
    return list(own_differences(found, await admin.broker_settings(), replication, settings.brokers))


def differences(
    catalogue: Sequence[Topic], found: Mapping[str, FoundTopic], partitions: int, replication: int, brokers: str
) -> Iterator[str]:
    """One text for each topic that is missing or set differently: what is wrong, what is needed, how to mend it."""
    for topic in catalogue:
        there = found.get(topic.name)
        if there is None:
            yield f"{topic.name}: does not exist. `python -m app topics` creates it"
            continue
        if there.partitions != partitions:
            yield (
                f"{topic.name}: has {there.partitions} partitions, {AFTER_SALE_REQUEST.name} has {partitions}: a shop's records "
                "would not meet. If it is still empty, delete it and run `python -m app topics`; else stop its writers and "
                "copy it, by key, into a new topic of this name (or, where growing was interrupted, `python -m app topics --grow-to` again)"
            )
        if there.replication < replication:
            yield (
                f"{topic.name}: {_copies(there.replication)} of each partition, {replication} are needed. "
                "Add some with kafka-reassign-partitions.sh, or say with AUTOREFUND_REPLICATION that fewer will do"
            )
        wrong = list(_settings_wrong(topic, there))
        if wrong:
            texts = "; ".join(f"{key} is {value}, needed: {words}" for key, value, words, _ in wrong)
            settings = ",".join(f"{key}=[{need}]" if "," in need else f"{key}={need}" for key, _, _, need in wrong)
            yield (
                f"{topic.name}: {texts}. Mend it: kafka-configs.sh --bootstrap-server {brokers} --alter "
                f"--entity-type topics --entity-name {topic.name} --add-config {settings}"
            )


def _settings_wrong(topic: Topic, there: FoundTopic) -> Iterator[tuple[str, str, str, str]]:
    """(setting, its value, what is needed in words, the value that mends it) of each setting that could lose something."""
    config = there.config
    want = topic.config()

    def number(key: str) -> int:
        return int(config.get(key, "0"))

    if config.get("cleanup.policy") != topic.cleanup:
        yield "cleanup.policy", config.get("cleanup.policy", ""), topic.cleanup, topic.cleanup
    if topic.cleanup is Cleanup.DELETE:
        if _kept_shorter(number("retention.ms"), topic.retention_ms):
            words = _span(topic.retention_ms) + ("" if topic.retention_ms == FOREVER_MS else " or longer")
            yield "retention.ms", _span(number("retention.ms")), words, want["retention.ms"]
        if number("retention.bytes") != FOREVER_MS:
            yield "retention.bytes", config["retention.bytes"], "-1 (no bound)", "-1"
    else:
        for key, least in (
            ("min.compaction.lag.ms", topic.compaction_lag_ms),
            ("delete.retention.ms", topic.tombstone_ms),
        ):
            if number(key) < least:
                yield key, _span(number(key)), _span(least) + " or longer", want[key]
    if config.get("unclean.leader.election.enable") != "false":
        yield "unclean.leader.election.enable", "true", "false", "false"
    size = number("max.message.bytes")
    if topic.written_by_us and size < topic.bytes_max:
        yield "max.message.bytes", str(size), f"{topic.bytes_max} or more", str(topic.bytes_max)
    if not topic.written_by_us and size > topic.bytes_max:
        yield "max.message.bytes", str(size), f"{topic.bytes_max} or less, to fit a dead letter", str(topic.bytes_max)
    in_sync, least = number("min.insync.replicas"), min_in_sync(there.replication)
    if in_sync < least:
        yield "min.insync.replicas", str(in_sync), f"{least} or more", str(least)
    if in_sync > there.replication:
        yield "min.insync.replicas", str(in_sync), f"at most {there.replication}, the number of copies", str(least)


def _kept_shorter(found_ms: int, needed_ms: int) -> bool:
    if found_ms == FOREVER_MS:
        return False
    return needed_ms == FOREVER_MS or found_ms < needed_ms


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number} copies"


def _span(ms: int) -> str:
    """Milliseconds, and what they are in days or hours."""
    if ms == FOREVER_MS:
        return "-1 (for ever)"
    for unit, name in ((86_400_000, "days"), (3_600_000, "hours"), (1000, "seconds")):
        if ms >= unit:
            return f"{ms} ({ms / unit:.4g} {name})"
    return f"{ms}"


def _kept(topic: Topic) -> str:
    """How long its records are kept, in words."""
    if topic.retention_ms != FOREVER_MS:
        return _span(topic.retention_ms).partition("(")[2][:-1]
    if topic.cleanup is Cleanup.DELETE:
        return "for ever"
    every = f", every one {_span(topic.compaction_lag_ms).partition('(')[2][:-1]}" if topic.compaction_lag_ms else ""
    return f"the newest of each key{every}"


def markdown_table(app_id: str) -> str:
    """All of them as deploy/guide.md shows them."""
    lines = ["| topic | key | kept | largest record | why |", "|---|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.key.replace('|', chr(92) + '|')} | {_kept(one)} | {one.bytes_max // 1_048_576} MiB | {one.why} |"
        for one in all_topics(app_id)
    ]
    return "\n".join(lines) + "\n"


def main_acls(settings: Settings) -> int:
    """`topics --acls`: needs no broker."""
    from app.kafka.acls import commands

    for line in commands(settings.app_id, settings.brokers):
        print(line)
    return 0


def main(settings: Settings, *, only_check: bool) -> None:
    """The command. Prints what it found or did; raises CommandFailed."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it would say the same as our error, less clearly
    checked = asyncio.run(check(settings) if only_check else create(settings))
    for topic in all_topics(settings.app_id):
        did = "created" if topic.name in checked.created else "as it should be"
        kept = (
            topic.cleanup
            if topic.cleanup is Cleanup.COMPACT
            else f"kept {_span(topic.retention_ms).partition('(')[2][:-1]}"
        )
        print(f"{topic.name:<40} {topic.role:<14} {kept:<16} {did}")
    print(
        f"{len(all_topics(settings.app_id))} topics with {checked.partitions} partitions each, {_copies(checked.replication)}"
    )
