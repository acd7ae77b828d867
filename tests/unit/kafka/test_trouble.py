"""A refusal is named, wherever in a tangle of errors it is. What a real broker refuses is in integration/secured."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from app.exactly_once.layer import TransactionOutcomeUnknown
from app.kafka.trouble import in_words, why_no_start
from tests.worker_process import free_port


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TopicAuthorizationFailedError("dead-letter"), "topic dead-letter"),
        (TopicAuthorizationFailedError({"b", "a"}), "topic a, b"),
        (TopicAuthorizationFailedError(TopicPartition("a", 3)), "topic a"),
        (GroupAuthorizationFailedError("workers"), "group workers"),
        (TransactionalIdAuthorizationFailed("autorefund-0"), "transactional id autorefund-0"),
        (ClusterAuthorizationFailedError("all of it"), "cluster all of it"),
    ],
)
def test_a_refusal_is_named(error: Exception, said: str) -> None:
    assert in_words(error).startswith(f"not authorized for {said} (deploy/security.md")


def test_a_refusal_is_found_among_causes_and_in_groups() -> None:
    error = TransactionOutcomeUnknown("lane 0")
    error.__cause__ = ExceptionGroup("fencing", [ValueError(), TransactionalIdAuthorizationFailed("autorefund-0")])
    assert "transactional id autorefund-0" in in_words(error)


def test_a_refusal_without_a_name_is_told_with_what_it_ended() -> None:
    error = TransactionOutcomeUnknown("lane 1")
    error.__cause__ = TransactionalIdAuthorizationFailed()
    assert in_words(error).startswith("not authorized for transactional id (lane 1)")


def test_an_error_that_was_raised_from_itself_is_told_too() -> None:
    """As Faust does it, which overwrites the cause and leaves it in the context."""
    error = TransactionOutcomeUnknown("lane 1")
    error.__context__ = TopicAuthorizationFailedError("dead-letter")
    error.__cause__ = error
    assert "topic dead-letter" in in_words(error)


def test_any_other_error_is_told_in_one_line() -> None:
    assert in_words(ValueError("two\nlines")) == r"ValueError('two\nlines')"


async def test_nobody_there_is_told_as_such() -> None:
    address = f"127.0.0.1:{free_port()}"
    said = await why_no_start(KafkaConnectionError(), f"{address},{address}", {})
    assert said.startswith(f"no Kafka broker answers at {address},{address}")


async def test_a_port_that_hangs_up_is_told_as_such() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        address = "{}:{}".format(*server.sockets[0].getsockname())
        said = await why_no_start(KafkaConnectionError(), address, {})
    assert said.startswith(f"Kafka at {address}: it hangs up on us")
