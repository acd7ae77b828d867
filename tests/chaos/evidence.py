"""What a take-over in mid-batch leaves behind: decisions of a transaction that was aborted, decided again by another worker.

Who wrote a decision is told by its time: it is the worker that had taken the lane last. A lane's former owner writes nothing
after that, as it is fenced before its successor says that it took over.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from aiokafka import ConsumerRecord

from schemas.topics import REFUND_DECISION
from tests.integration.outputs import read_topic

__all__ = ["Evidence", "Owners", "gather"]

_TOOK_OVER = re.compile(r"^(\S+ \S+) .*took over \d+ lanes \[([\d, ]*)\]", re.MULTILINE)


class Owners:
    """Which worker had a lane when, by what they logged."""

    def __init__(self, logs: Iterable[tuple[str, str]]) -> None:
        """`logs`: a worker's name with all that it said."""
        self._taken: dict[int, list[tuple[float, str]]] = defaultdict(list)
        for worker, said in logs:
            for at, lanes in _TOOK_OVER.findall(said):
                when = datetime.fromisoformat(at).timestamp()  # a log is in local time
                for lane in lanes.split(",") if lanes else ():
                    self._taken[int(lane)].append((when, worker))
        for taken in self._taken.values():
            taken.sort()

    def at(self, lane: int, seconds: float) -> str | None:
        """The worker that took the lane last before that time (since the epoch); None = nobody had."""
        taken = self._taken[lane]
        place = bisect(taken, (seconds, ""))
        return taken[place - 1][1] if place else None


@dataclass(slots=True)
class Evidence:
    """Kafka's own word for it."""

    aborted_decisions: int = 0
    """Written, and never committed: their transaction was aborted."""
    mid_batch: int = 0
    """Pairs of workers and a lane: the second decided and committed what the first had written and not committed."""

    @classmethod
    def of(cls, written: list[ConsumerRecord], committed: list[ConsumerRecord], owners: Owners) -> Evidence:
        """From all records of the topic of decisions, and those that were committed."""
        kept = {(record.partition, record.offset) for record in committed}
        aborted = [record for record in written if (record.partition, record.offset) not in kept]
        decided = {_decision(record): _owner(record, owners) for record in committed}
        found = {(record.partition, _owner(record, owners), decided.get(_decision(record))) for record in aborted}
        return cls(len(aborted), sum(None not in pair and pair[0] != pair[1] for _, *pair in found))


async def gather(brokers: str, partitions: int, owners: Owners) -> Evidence:
    """From the topic."""
    written = await read_topic(brokers, REFUND_DECISION.name, partitions, isolation_level="read_uncommitted")
    committed = await read_topic(brokers, REFUND_DECISION.name, partitions)
    return Evidence.of(written, committed, owners)


def _decision(record: ConsumerRecord) -> str:
    return str(orjson.loads(record.value)["decision_id"])


def _owner(record: ConsumerRecord, owners: Owners) -> str | None:
    return owners.at(record.partition, record.timestamp / 1000)
