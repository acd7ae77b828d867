"""Kafka's own topics, without a broker: what could lose a commit is found, and how to mend it told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.kafka.admin import FoundTopic
from app.kafka.own_topics import OWN_TOPICS, own_differences

ADDRESS = "kafka:9092"
SAFE = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
STOCK_BROKER = {
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "offsets.topic.replication.factor": "3",
    "min.insync.replicas": "2",
    "transaction.partition.verification.enable": "true",
}
STATE, OFFSETS = (FoundTopic(one.name, partitions=50, replication=3, config=SAFE) for one in OWN_TOPICS)


def told(*found: FoundTopic, brokers: dict[int, dict[str, str]] | None = None, replication: int = 3) -> list[str]:
    by_name = {one.name: one for one in found}
    return list(own_differences(by_name, brokers or {1: STOCK_BROKER}, replication, ADDRESS))


def test_as_it_should_be() -> None:
    assert told(STATE, OFFSETS) == []
    assert told() == []


def test_one_broker_needs_one_copy() -> None:
    alone = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
    assert told(*(replace(one, replication=1, config=alone) for one in (STATE, OFFSETS)), replication=1) == []
    ones = {name: "1" if value.isdigit() else value for name, value in STOCK_BROKER.items()}
    assert told(brokers={1: ones}, replication=1) == []


def test_fewer_copies_than_our_topics_have() -> None:
    (text,) = told(STATE, replace(OFFSETS, replication=1))
    assert text.startswith("__consumer_offsets: 1 of 3 copies of each partition")


@pytest.mark.parametrize("topic", [STATE, OFFSETS], ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("setting", "value", "mend"),
    [
        ("min.insync.replicas", "1", "min.insync.replicas=2"),
        ("unclean.leader.election.enable", "true", "unclean.leader.election.enable=false"),
    ],
)
def test_a_setting_that_could_lose_a_commit(topic: FoundTopic, setting: str, value: str, mend: str) -> None:
    both = {one.name: one for one in (STATE, OFFSETS)} | {topic.name: replace(topic, config=SAFE | {setting: value})}
    (text,) = told(*both.values())
    assert text.startswith(f"{topic.name}: {setting} is {value}, needed")
    assert text.endswith(
        f"--bootstrap-server kafka:9092 --alter --entity-type topics --entity-name {topic.name} --add-config {mend}"
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("offsets.topic.replication.factor", "2"),
        ("min.insync.replicas", "1"),
    ],
)
def test_a_broker_that_would_create_one_of_them_with_too_little(setting: str, value: str) -> None:
    brokers = {1: STOCK_BROKER, 2: STOCK_BROKER | {setting: value}, 3: STOCK_BROKER}
    (text,) = told(brokers=brokers)
    assert "does not exist yet, and would be created with too little" in text
    assert f"{setting} is {value} on broker 2, needed: " in text
    assert told(STATE, OFFSETS, brokers=brokers) == []


def test_a_broker_that_lets_delayed_records_join_a_transaction() -> None:
    (text,) = told(STATE, OFFSETS, brokers={2: STOCK_BROKER | {"transaction.partition.verification.enable": "false"}})
    assert text.startswith("broker 2: transaction.partition.verification.enable is false")


def test_what_may_not_be_looked_at_is_passed_over() -> None:
    assert list(own_differences({}, {}, 3, ADDRESS)) == []
