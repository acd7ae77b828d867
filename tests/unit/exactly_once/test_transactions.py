"""What a lane is told of a transaction that failed: the cause, where Kafka's client raises what followed from it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    IllegalOperation,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.producer.transaction_manager import TransactionManager

from app.exactly_once.transactions import _what_ended_it


def in_transaction() -> tuple[Any, TransactionManager]:
    """A producer as far as that matters, in the middle of a transaction."""
    manager = TransactionManager("lane-0", 10_000)
    manager.set_pid_and_epoch(1, 0)
    manager.begin_transaction()
    return SimpleNamespace(_txn_manager=manager), manager


@pytest.mark.parametrize("told", [IllegalOperation("no transaction"), InvalidTxnState()], ids=["between", "meanwhile"])
@pytest.mark.parametrize("cause", [ProducerFenced(), TopicAuthorizationFailedError("refund-decision")], ids=repr)
async def test_the_cause_counts_not_what_followed_from_it(told: Exception, cause: KafkaError) -> None:
    producer, manager = in_transaction()
    (manager.fatal_error if isinstance(cause, ProducerFenced) else manager.error_transaction)(cause)
    with pytest.raises(type(cause)) as caught, _what_ended_it(producer):
        raise told
    assert caught.value.__cause__ is told


async def test_an_error_that_ended_nothing_yet_is_told_as_it_is() -> None:
    producer, _ = in_transaction()
    told = RequestTimedOutError()
    with pytest.raises(RequestTimedOutError) as caught, _what_ended_it(producer):
        raise told
    assert caught.value is told


async def test_the_cause_itself_is_told_once() -> None:
    producer, manager = in_transaction()
    cause = ProducerFenced()
    manager.fatal_error(cause)
    with pytest.raises(ProducerFenced) as caught, _what_ended_it(producer):
        raise cause
    assert (caught.value, caught.value.__cause__) == (cause, None)


async def test_a_refused_transactional_id_has_its_name_whichever_request_was_refused() -> None:
    """Kafka's client names it, but not where the refused request was one of produced records."""
    producer, _ = in_transaction()
    with pytest.raises(TransactionalIdAuthorizationFailed, match="lane-0"), _what_ended_it(producer):
        raise TransactionalIdAuthorizationFailed
