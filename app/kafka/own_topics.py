"""Kafka's own topics, in which transactions and committed offsets stand: as safe as ours, or ours are not safe.

A commit is believed once `__transaction_state` has it, and a batch is not read again once `__consumer_offsets` has its
offsets. Where one of them can lose what was acknowledged, a decision can be made twice though no topic of ours lost a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.kafka.admin import FoundTopic

__all__ = ["OWN_TOPICS", "OwnTopic", "min_in_sync", "own_differences"]

VERIFICATION: Final = "transaction.partition.verification.enable"
UNCLEAN: Final = "unclean.leader.election.enable"
IN_SYNC: Final = "min.insync.replicas"


@dataclass(frozen=True, slots=True)
class OwnTopic:
    """One topic of Kafka's, and the settings by which a broker creates it at first use."""

    name: str
    copies_setting: str
    in_sync_setting: str


OWN_TOPICS: Final = (
    OwnTopic("__transaction_state", "transaction.state.log.replication.factor", "transaction.state.log.min.isr"),
    OwnTopic("__consumer_offsets", "offsets.topic.replication.factor", IN_SYNC),
)


def min_in_sync(replication: int) -> int:
    """What is acknowledged stands on two disks, wherever there are two."""
    return min(2, replication)


def own_differences(
    found: Mapping[str, FoundTopic], brokers: Mapping[int, Mapping[str, str]], replication: int, address: str
) -> Iterator[str]:
    """One text for each of Kafka's own topics, and each broker, that is set so that something could be lost.

    `found`: those that exist; `brokers`: each broker's settings. What may not be looked at (ACLs) is in neither. `replication`
    is what our topics have: these need as many copies.
    """
    for topic in OWN_TOPICS:
        there = found.get(topic.name)
        if there is not None:
            yield from _wrong_as_it_is(there, replication, address)
        else:
            yield from _wrong_once_created(topic, brokers, replication)
    for node, config in sorted(brokers.items()):
        if config.get(VERIFICATION) == "false":
            yield (
                f"broker {node}: {VERIFICATION} is false: a record that was delayed in the network could join a later "
                "transaction. Take the line out of its server.properties"
            )


def _wrong_as_it_is(there: FoundTopic, replication: int, address: str) -> Iterator[str]:
    if there.replication < replication:
        yield (
            f"{there.name}: {there.replication} of {replication} copies of each partition that our topics have. "
            "Add some with kafka-reassign-partitions.sh"
        )
    mend = {}
    wrong = []
    if int(there.config.get(IN_SYNC, "0")) < min_in_sync(replication):
        wrong.append(f"{IN_SYNC} is {there.config.get(IN_SYNC)}, needed: {min_in_sync(replication)} or more")
        mend[IN_SYNC] = str(min_in_sync(replication))
    if replication > 1 and there.config.get(UNCLEAN) != "false":
        wrong.append(f"{UNCLEAN} is {there.config.get(UNCLEAN)}, needed: false")
        mend[UNCLEAN] = "false"
    if wrong:
        config = ",".join(f"{key}={value}" for key, value in mend.items())
        yield (
            f"{there.name}: {'; '.join(wrong)}. Mend it: kafka-configs.sh --bootstrap-server {address} --alter "
            f"--entity-type topics --entity-name {there.name} --add-config {config}"
        )


def _wrong_once_created(topic: OwnTopic, brokers: Mapping[int, Mapping[str, str]], replication: int) -> Iterator[str]:
    needed = {topic.copies_setting: replication, topic.in_sync_setting: min_in_sync(replication)}
    low = [
        f"{setting} is {config[setting]} on broker {node}, needed: {least} or more"
        for setting, least in needed.items()
        for node, config in sorted(brokers.items())
        if int(config.get(setting, least)) < least
    ]
    if low:
        yield (
            f"{topic.name}: does not exist yet, and would be created with too little: {'; '.join(low)}. "
            "Mend server.properties and restart the broker, before a worker runs"
        )
