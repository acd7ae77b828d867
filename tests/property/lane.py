"""Drives the product's lane as the exactly-once layer does: batches, commits, aborts, restarts, on stores in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.lane_job import Effects, Emit, Record
from app.replay import open_lane

Json = dict[str, Any]
DEAD_LETTER = "dead-letter"


def as_record(line: Json, offset: int) -> Record:
    """A replay line as the record a broker would hand over."""
    if "raw" in line:
        value: bytes | None = line["raw"].encode()
    else:
        value = None if line["value"] is None else json.dumps(line["value"]).encode()
    key = line.get("key")
    return Record(line["topic"], 0, offset, None if key is None else key.encode(), value)


def as_output(emit: Emit) -> Json:
    """A produced record as a replay output."""
    key = None if emit.key is None else emit.key.decode()
    if emit.topic == DEAD_LETTER:
        headers = {name: value.decode() for name, value in emit.headers}
        raw = None if emit.value is None else emit.value.decode()
        return {"topic": emit.topic, "key": key, "value": {"topic": headers["topic"], "raw": raw}}
    return {"topic": emit.topic, "key": key, "value": json.loads(emit.value or b"null")}


class Driver:
    """One lane; `offset` is where its stores stand."""

    def __init__(self) -> None:
        self.lane, self.stores = open_lane()
        self.offset = 0

    def try_batch(self, lines: Sequence[Json], now: datetime) -> Effects:
        """Process without commit: one of `commit` and `abort` must follow."""
        records = [as_record(line, self.offset + n) for n, line in enumerate(lines)]
        return self.lane.process(records, now)

    def commit(self, effects: Effects, count: int) -> list[Json]:
        """The transaction went through: puts to the stores, then the lane is told; the outputs become readable."""
        self.commit_quietly(effects, count)
        return [as_output(emit) for emit in effects.emits]

    def commit_quietly(self, effects: Effects, count: int = 1) -> None:
        """Likewise, where nobody reads the outputs (they may be bytes that nobody can read)."""
        self.offset += count
        for table, puts in effects.puts.items():
            self.stores[table].apply(puts, self.offset)
        self.lane.committed()

    def abort(self) -> None:
        self.lane.aborted()

    def batch(self, lines: Sequence[Json], now: datetime) -> list[Json]:
        return self.commit(self.try_batch(lines, now), len(lines))

    def restart(self) -> None:
        """The process dies; another takes over the stores as they are committed."""
        self.lane, _ = open_lane(stores=self.stores)
