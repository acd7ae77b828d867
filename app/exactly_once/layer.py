"""What the layer is given (settings), what it tells (observer, status), and how it fails (errors)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from app.lane_job import Effects

__all__ = [
    "SERVICE_LOG", "Ages", "LaneStalled", "LaneState", "LaneStatus", "LayerObserver", "LayerSettings", "NotColocated", "SilentObserver",
    "TransactionOutcomeUnknown",
]  # fmt: skip


SERVICE_LOG: Final = logging.getLogger("faust.services")
"""Where our subclasses of Faust's services say that they start and stop, as Faust's own do: among the library's lines."""


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """Everything the layer needs to know. Topic names come from the catalogue, limits from the worker's settings."""

    brokers: str
    """host:port, several separated by commas."""
    app_id: str
    """Consumer group, and prefix of transactional ids and changelogs."""
    partitions: int
    """Partitions of every topic; lane p is partition p of all of them."""
    control_plane_topics: tuple[str, ...]
    """Read to their present ends before anything else, when a lane starts (domain [31])."""
    forwarded_topic: str
    """Read to its present end next: it may hold records of the control plane."""
    other_topics: tuple[str, ...]
    tables: tuple[str, ...]
    store: str = "memory"
    """memory or rocksdb."""
    store_age_seconds_max: float = 29 * 86_400.0
    """A store whose newest cells are older is read anew; below what changelogs keep deletions (`delete.retention.ms`)."""
    data_dir: Path = Path("run/data")
    fetch_wait_ms: int = 50
    fetch_bytes_max: int = 4_000_000
    """Of one partition in one fetch."""
    lane_records_max: int = 20_000
    lane_bytes_max: int = 64_000_000
    batch_records_max: int = 4_000
    batch_seconds_max: float = 0.1
    """Work on one batch without a pause: everything else in the worker waits meanwhile."""
    transaction_seconds_max: float = 10.0
    stall_seconds_max: float = 60.0
    session_timeout_seconds: float = 10.0
    record_bytes_max: int = 4_194_304
    """The largest record the layer writes: what the catalogue allows in topics that workers write."""
    restore_batch_records_max: int = 20_000
    group_instance_id: str | None = None
    """Static membership: a quick restart under the same name moves no partition."""
    client_security: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Handed to every Kafka client as it is (security_protocol, ssl_context, sasl_...). Holds a password: never shown."""

    @property
    def input_topics(self) -> tuple[str, ...]:
        """All topics that are consumed."""
        return (*self.control_plane_topics, self.forwarded_topic, *self.other_topics)

    def changelog(self, table: str) -> str:
        """The changelog topic of a table."""
        return f"{self.app_id}-{table}-changelog"

    def transactional_id(self, partition: int) -> str:
        """One id for each partition: it is what fences (design, 4)."""
        return f"{self.app_id}-{partition}"


class TransactionOutcomeUnknown(Exception):  # noqa: N818 - named for what is the case
    """A transaction failed in a way that leaves open whether it was committed. The process must start over."""


class LaneStalled(Exception):  # noqa: N818
    """A lane had records and did not move for too long. The process must start over."""


class NotColocated(Exception):  # noqa: N818
    """The group gave this worker some topics of a partition, and others to another worker."""


class LaneState(StrEnum):
    """Where a lane is in its life."""

    TAKING_OVER = "taking_over"
    """Fencing the predecessor, restoring the tables."""
    CONTROL_PLANE = "control_plane"
    """Reading the control plane to its ends."""
    FORWARDED = "forwarded"
    """Reading forwarded records to their end."""
    RUNNING = "running"
    FENCED = "fenced"
    """Another worker has the partition; we have not been told yet."""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane as seen from outside."""

    partition: int
    state: LaneState
    waiting_records: int
    """Fetched, and not yet committed."""
    still_for_seconds: float
    """Since it last committed, or had nothing to do."""
    restored_records: int
    """Of its changelogs, as far as they are read; what was compacted away counts as read."""
    restore_records_total: int | None
    """None = not known yet."""


Ages = Mapping[str, list[int]]
"""By topic: how long each record had been in Kafka when it was committed, in milliseconds, in no promised order."""


class LayerObserver(Protocol):
    """Told of what happens, in the event loop; must be quick and raise nothing."""

    def committed(self, partition: int, *, seconds: float, ages: Ages, effects: Effects) -> None:
        """A transaction was committed; the records of `ages` were consumed in it."""

    def aborted(self, partition: int) -> None:
        """A transaction was given up: its lane was taken from this worker."""

    def fenced(self, partition: int) -> None:
        """Another worker has taken the lane over."""

    def restored(self, *, partitions: int, records: int, seconds: float) -> None:
        """A take-over is done."""

    def lane_lost(self, partition: int) -> None:
        """The lane is no longer this worker's."""


class SilentObserver:
    """Nobody listens."""

    def committed(self, partition: int, *, seconds: float, ages: Ages, effects: Effects) -> None:
        """Nothing."""

    def aborted(self, partition: int) -> None:
        """Nothing."""

    def fenced(self, partition: int) -> None:
        """Nothing."""

    def restored(self, *, partitions: int, records: int, seconds: float) -> None:
        """Nothing."""

    def lane_lost(self, partition: int) -> None:
        """Nothing."""
