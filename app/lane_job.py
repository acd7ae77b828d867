"""What a lane takes in and gives back: the seam between the exactly-once layer and the work itself.

The exactly-once layer (`app/exactly_once/`) knows topics, partitions, offsets and transactions, and nothing of refunds.
The processor (`app/processor.py`) knows refunds, and nothing of Kafka. They meet in these plain values:

    records of one lane, now  ->  LaneJob.process  ->  Effects(puts, emits, tally)

The layer commits the effects together with the consumed offsets in one Kafka transaction, then calls `committed()`;
where the transaction was aborted it calls `aborted()`, and the job is as if `process` had never been called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tables.stores import Store

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One consumed Kafka record, bytes as they came. `timestamp_ms` is Kafka's, in milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Emit:
    """One record to produce. `partition` None means: the lane's own partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: Headers = ()


@dataclass(slots=True)
class Effects:
    """All that one batch changes. Committed together or not at all.

    `puts`: table name -> key -> new value (None deletes). `emits` keep their order within a topic.
    `tally`: counts for the metrics, by (metric name, *label values); they are added once the batch is committed.
    """

    puts: Mapping[str, Mapping[bytes, bytes | None]] = field(default_factory=dict)
    emits: Sequence[Emit] = ()
    tally: Counter[tuple[str, ...]] = field(default_factory=Counter)
    samples: Mapping[str, list[int]] = field(default_factory=dict)
    """Measured durations in milliseconds, by metric name; they too are counted once the batch is committed."""


class LaneJob(Protocol):
    """The work of one lane (one partition number). Never called concurrently; no I/O, no clock of its own."""

    def process(self, records: Sequence[Record], now: datetime) -> Effects:
        """Do the batch at the clock `now` (aware). Everything that fell due before or at `now` is done first.

        `records` may be empty: then only what fell due is done. Raises nothing for bad input;
        an exception is a broken invariant and stops the worker.
        """

    def committed(self) -> None:
        """The effects of the last `process` are durable (and have been applied to the stores)."""

    def aborted(self) -> None:
        """The effects of the last `process` never happened."""

    def next_due(self) -> datetime | None:
        """When `process` must be called again even if no record comes; None = never."""


JobFactory = Callable[[int, Mapping[str, Store]], LaneJob]
"""(partition, stores by table name, restored) -> the lane's job. Called at each take-over of the partition."""
