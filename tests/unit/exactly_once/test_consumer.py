"""What the fetching thread does at the beginning of an epoch, what a consumer of ours never does, and how its loop ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from app.exactly_once.consumer import BatchConsumer, FetchingThread

ONE, OTHER = TopicPartition("requests", 0), TopicPartition("rules", 0)


class Client:
    """A consumer that remembers its seeks, and in which epoch they were asked for."""

    def __init__(self, thread: FetchingThread) -> None:
        self._thread = thread
        self.seeks: dict[TopicPartition, tuple[int, int]] = {}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.seeks[tp] = (offset, self._thread.epoch)


async def test_an_epoch_begins_once_every_partition_was_sought() -> None:
    thread = FetchingThread.__new__(FetchingThread)
    client = Client(thread)
    thread._consumer = client
    await thread.begin_epoch(7, {ONE: 5, OTHER: 0})
    assert client.seeks == {ONE: (5, 0), OTHER: (0, 0)}
    assert thread.epoch == 7


@pytest.mark.parametrize(
    ("partitions", "asked"), [({"requests": 3, "rules": 0}, 1), ({"requests": 3, "rules": 3}, 0), ({}, 0)]
)
def test_a_topic_that_was_not_there_at_the_assignment_is_asked_for_again(
    partitions: dict[str, int], asked: int
) -> None:
    forced: list[None] = []
    thread = FetchingThread.__new__(FetchingThread)
    thread._consumer = SimpleNamespace(
        _coordinator=SimpleNamespace(_metadata_snapshot=partitions),
        _client=SimpleNamespace(force_metadata_update=lambda: forced.append(None)),
    )
    thread._look_for_topics()
    assert len(forced) == asked


async def test_faust_commits_nothing_and_keeps_no_gaps() -> None:
    consumer: Any = BatchConsumer.__new__(BatchConsumer)
    assert await consumer.commit(topics=None, start_new_transaction=True) is False
    assert await consumer._add_gap("anything", 1, 2) is None


class Patient(BatchConsumer):
    """Waits for records that never come."""

    should_stop = False

    def __init__(self) -> None:
        """Nothing of Faust's."""

    async def getmany(self, **_: Any) -> Any:
        await asyncio.Event().wait()
        yield


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_loop_that_is_cancelled_is_over_where_it_is_stopped_and_has_failed_elsewhere(stopped: bool) -> None:
    fetcher = SimpleNamespace(should_stop=False)
    loop = asyncio.create_task(Patient()._drain_messages(fetcher))
    await asyncio.sleep(0)
    fetcher.should_stop = stopped
    loop.cancel()
    await asyncio.wait([loop])
    assert loop.cancelled() == (not stopped)
