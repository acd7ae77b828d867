"""The check of topics, without a broker: every setting that could lose something is found, and how to mend it told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.kafka.admin import FoundTopic
from app.kafka.topics import differences, markdown_table
from schemas.topics import AFTER_SALE_REQUEST, CONTROL, REFUND_DECISION, STRATEGY_CONFIG, TOPICS, Topic, all_topics

BROKERS = "kafka:9092"


def as_it_should_be(topic: Topic, replication: int = 3) -> FoundTopic:
    config = topic.config() | {"min.insync.replicas": str(min(2, replication))}
    return FoundTopic(topic.name, partitions=12, replication=replication, config=config)


def told(topic: Topic, there: FoundTopic, replication: int = 3) -> list[str]:
    return list(differences([topic], {topic.name: there}, 12, replication, BROKERS))


@pytest.mark.parametrize("replication", [1, 2, 3, 5])
def test_the_catalogue_agrees_with_itself(replication: int) -> None:
    catalogue = all_topics("autorefund")
    found = {one.name: as_it_should_be(one, replication) for one in catalogue}
    assert list(differences(catalogue, found, 12, min(3, replication), BROKERS)) == []


def test_a_missing_topic() -> None:
    assert list(differences([CONTROL], {}, 12, 1, BROKERS)) == [
        "control: does not exist. `python -m app topics` creates it"
    ]


def test_partition_counts_that_differ() -> None:
    (text,) = told(CONTROL, replace(as_it_should_be(CONTROL), partitions=6))
    assert text.startswith("control: has 6 partitions, after-sale-request has 12")


def test_too_few_copies() -> None:
    (text,) = told(CONTROL, as_it_should_be(CONTROL, replication=1))
    assert text.startswith("control: 1 copy of each partition, 3 are needed")


@pytest.mark.parametrize(
    ("topic", "setting", "value", "mend"),
    [
        (STRATEGY_CONFIG, "cleanup.policy", "delete", "cleanup.policy=compact"),
        (STRATEGY_CONFIG, "cleanup.policy", "compact,delete", "cleanup.policy=compact"),
        (STRATEGY_CONFIG, "min.compaction.lag.ms", "0", "min.compaction.lag.ms=94867200000"),
        (STRATEGY_CONFIG, "delete.retention.ms", "60000", "delete.retention.ms=86400000"),
        (REFUND_DECISION, "cleanup.policy", "compact", "cleanup.policy=delete"),
        (REFUND_DECISION, "retention.ms", "604800000", "retention.ms=94867200000"),
        (REFUND_DECISION, "retention.bytes", "1000000000", "retention.bytes=-1"),
        (REFUND_DECISION, "max.message.bytes", "1048588", "max.message.bytes=4194304"),
        (REFUND_DECISION, "unclean.leader.election.enable", "true", "unclean.leader.election.enable=false"),
        (REFUND_DECISION, "min.insync.replicas", "1", "min.insync.replicas=2"),
        (REFUND_DECISION, "min.insync.replicas", "4", "min.insync.replicas=2"),
        (CONTROL, "retention.ms", "94867200000", "retention.ms=-1"),
        (AFTER_SALE_REQUEST, "max.message.bytes", "5000000", "max.message.bytes=1048588"),
    ],
)
def test_a_setting_that_could_lose_something(topic: Topic, setting: str, value: str, mend: str) -> None:
    there = as_it_should_be(topic)
    (text,) = told(topic, replace(there, config=there.config | {setting: value}))
    assert text.startswith(f"{topic.name}: {setting} is {value}")
    assert text.endswith(
        f"--bootstrap-server kafka:9092 --alter --entity-type topics --entity-name {topic.name} --add-config {mend}"
    )


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        (REFUND_DECISION, "retention.ms", "-1"),
        (REFUND_DECISION, "retention.ms", "94867200001"),
        (REFUND_DECISION, "max.message.bytes", "10000000"),
        (REFUND_DECISION, "min.insync.replicas", "3"),
        (AFTER_SALE_REQUEST, "max.message.bytes", "500000"),
        (STRATEGY_CONFIG, "retention.ms", "1"),
    ],
)
def test_a_setting_that_loses_less_or_nothing_is_fine(topic: Topic, setting: str, value: str) -> None:
    there = as_it_should_be(topic)
    assert told(topic, replace(there, config=there.config | {setting: value})) == []


def test_several_settings_are_mended_by_one_command() -> None:
    there = as_it_should_be(REFUND_DECISION)
    (text,) = told(REFUND_DECISION, replace(there, config=there.config | {"retention.ms": "1", "retention.bytes": "1"}))
    assert text.endswith("--add-config retention.ms=94867200000,retention.bytes=-1")


def test_names_differ_and_every_topic_says_why() -> None:
    names = [one.name for one in all_topics("autorefund")]
    assert len(set(names)) == len(names)
    assert all(one.why for one in TOPICS)


def test_the_guide_shows_the_catalogue_as_it_is() -> None:
    assert markdown_table("autorefund") in (Path(__file__).parents[3] / "deploy" / "guide.md").read_text()
