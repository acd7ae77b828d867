"""A Kafka of a few dozen lines, for one partition number: logs with transactions, fencing, committed offsets.

It can crash whoever uses it before or after any call (`Steps`), which a real broker cannot do on demand. What is kept
here is what a broker keeps: an open transaction survives its writer, and is aborted by the next writer's `start`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from app.lane_job import Emit
from tables.stores import Store
from tables.stores.memory import MemoryStore

__all__ = ["Crash", "ModelKafka", "ModelWriter", "SteppedStore", "Steps"]


class Crash(BaseException):
    """The process ends here."""


@dataclass(slots=True)
class Steps:
    """Counts the calls of a life, and crashes at one of them."""

    crash_at: int | None = None
    seen: list[str] = field(default_factory=list)

    def at(self, what: str) -> None:
        """One step; raises Crash if it is the one."""
        self.seen.append(what)
        if self.crash_at is not None and len(self.seen) > self.crash_at:
            raise Crash(what)


@dataclass(slots=True)
class Entry:
    """One offset of a log. `state`: "open", "committed", "aborted", or "marker" (the end of a transaction)."""

    key: bytes | None
    value: bytes | None
    state: str


class ModelKafka:
    """What a broker keeps for one partition number."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Entry]] = defaultdict(list)
        self.offsets: dict[TopicPartition, int] = {}
        self.epoch = 0
        self.pending_offsets: dict[TopicPartition, int] = {}

    def begin_epoch(self) -> int:
        """A writer takes the transactional id: an open transaction is aborted, an older writer fenced."""
        self.end_transaction("aborted")
        self.epoch += 1
        return self.epoch

    def end_transaction(self, state: str) -> None:
        """Commit or abort whatever is open."""
        for log in self.logs.values():
            opened = [entry for entry in log if entry.state == "open"]
            for entry in opened:
                entry.state = state
            if opened:
                log.append(Entry(None, None, "marker"))
        if state == "committed":
            self.offsets |= self.pending_offsets
        self.pending_offsets = {}

    def committed(self, topic: str) -> list[tuple[bytes | None, bytes | None]]:
        """What a read_committed reader sees."""
        return [(entry.key, entry.value) for entry in self.logs[topic] if entry.state == "committed"]

    def table(self, changelog: str) -> dict[bytes, bytes]:
        """The newest committed value of each key."""
        cells: dict[bytes, bytes] = {}
        for key, value in self.committed(changelog):
            assert key is not None
            if value is None:
                cells.pop(key, None)
            else:
                cells[key] = value
        return cells

    def restore(self, changelog: str, store: Store) -> None:
        """Bring a store up to the changelog's end, from the position it knows."""
        log = self.logs[changelog]
        assert all(entry.state != "open" for entry in log), "restored before fencing"
        start = store.position or 0
        assert start <= len(log), "a store ahead of its changelog"
        puts = {entry.key: entry.value for entry in log[start:] if entry.state == "committed" and entry.key is not None}
        store.apply(puts, len(log))


class ModelWriter:
    """A `TransactionWriter` on a `ModelKafka`."""

    def __init__(self, kafka: ModelKafka, steps: Steps | None = None, app_id: str = "app") -> None:
        self._kafka = kafka
        self._steps = steps or Steps()
        self._app_id = app_id
        self._epoch = 0

    async def start(self) -> None:
        """Take the lane."""
        self._epoch = self._kafka.begin_epoch()

    async def commit(
        self,
        puts: Mapping[str, Mapping[bytes, bytes | None]],
        emits: Iterable[Emit],
        offsets: Mapping[TopicPartition, int],
    ) -> Mapping[str, int]:
        """Each call of a real transaction is a step, before and after."""
        ends: dict[str, int] = {}
        self._step("begin")
        for table, cells in puts.items():
            log = self._kafka.logs[f"{self._app_id}-{table}-changelog"]
            for key, value in cells.items():
                self._step(f"produce {table}")
                log.append(Entry(key, value, "open"))
            ends[table] = len(log)
        for emit in emits:
            self._step(f"produce {emit.topic}")
            self._kafka.logs[emit.topic].append(Entry(emit.key, emit.value, "open"))
        self._step("offsets")
        self._kafka.pending_offsets = dict(offsets)
        self._step("commit")
        self._kafka.end_transaction("committed")
        self._steps.at("after commit")
        return ends

    async def close(self) -> None:
        """Nothing is held."""

    def _step(self, what: str) -> None:
        self._steps.at(f"before {what}")
        if self._epoch != self._kafka.epoch:
            raise ProducerFenced


class SteppedStore(MemoryStore):
    """A store that survives the process (as one on disk does), with a step before and after each `apply`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.steps = Steps()
        self._name = name

    def apply(self, puts: Mapping[bytes, bytes | None], position: int) -> None:
        """Atomic, as the contract wants it."""
        self.steps.at(f"before apply {self._name}")
        super().apply(puts, position)
        self.steps.at(f"after apply {self._name}")
