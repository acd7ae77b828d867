"""Committed offsets: an answer that names no partition is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from app.exactly_once import offsets
from app.exactly_once.offsets import ask

ONE, OTHER = TopicPartition("requests", 0), TopicPartition("rules", 0)


class ToldAdmin:
    """An admin client that answers what it is told, one answer a call."""

    def __init__(self, *answers: dict[TopicPartition, int] | Exception) -> None:
        self._answers = iter(answers)

    async def list_consumer_group_offsets(self, group_id: str, *, partitions: list[TopicPartition]) -> Any:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return {tp: OffsetAndMetadata(offset, "") for tp, offset in answer.items()}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(offsets, "ASK_AGAIN_SECONDS", 0.0)
    return


async def test_a_coordinator_that_is_still_loading_is_asked_again() -> None:
    admin = ToldAdmin({}, {ONE: 7}, GroupCoordinatorNotAvailableError(), {ONE: 7, OTHER: 3})
    assert await ask(admin, "app", [ONE, OTHER]) == {ONE: 7, OTHER: 3}


async def test_a_partition_that_nobody_ever_committed_is_none() -> None:
    assert await ask(ToldAdmin({ONE: 0, OTHER: -1}), "app", [ONE, OTHER]) == {ONE: 0, OTHER: None}


async def test_what_does_not_pass_by_itself_is_raised() -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        await ask(ToldAdmin(GroupAuthorizationFailedError()), "app", [ONE])
