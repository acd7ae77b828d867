"""One lane driven by hand: records and the clock in, checked outputs out. Commits like the worker does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.lane_job import Effects, Emit, Record
from app.processor import Processor, Rules
from tables.lane_tables import TABLE_NAMES, LaneTables
from tables.stores.memory import MemoryStore
from tests.builders import AT, record
from tests.json_schemas import check_output

Json = dict[str, Any]
DECISION, ALERT, DEAD_LETTER = "refund-decision", "refund-alert", "dead-letter"


class Lane:
    """A processor over tables in memory. Every shop is at home in it, unless `partition_of` says otherwise."""

    def __init__(
        self,
        lane: int = 0,
        *,
        hold: timedelta = timedelta(minutes=10),
        partition_of: Callable[[str], int] | None = None,
        stores: dict[str, MemoryStore] | None = None,
    ) -> None:
        self.stores = {name: MemoryStore() for name in TABLE_NAMES} if stores is None else stores
        self.job = Processor(lane, self.stores, partition_of or (lambda _: lane), Rules(hold=hold))
        self.emits: list[Emit] = []
        self.tally: Counter[tuple[str, ...]] = Counter()
        self.at = AT

    def process(self, *records: Record, at: datetime | None = None) -> Effects:
        """One batch, committed. Its outputs are in `emits`; the tally of all batches in `tally`."""
        self.at = self.at if at is None else at
        effects = self.job.process(records, self.at)
        for emit in effects.emits:
            check_output(emit)
        for table, puts in effects.puts.items():
            self.stores[table].apply(puts, 0)
        self.job.committed()
        self.emits = list(effects.emits)
        self.tally += effects.tally
        return effects

    def feed(self, topic: str, value: object, at: datetime | None = None, **more: Any) -> Lane:
        """One record as one batch."""
        self.process(record(topic, value, **more), at=at)
        return self

    def out(self, topic: str) -> list[Json]:
        """The JSON values that the last batch sent to a topic."""
        return [json.loads(emit.value or b"null") for emit in self.emits if emit.topic == topic]

    @property
    def decisions(self) -> list[Json]:
        return self.out(DECISION)

    @property
    def decision(self) -> Json:
        """The one decision of the last batch."""
        (only,) = self.decisions
        return only

    @property
    def alerts(self) -> list[Json]:
        return self.out(ALERT)

    @property
    def dead_letters(self) -> list[tuple[bytes | None, bytes | None, dict[str, str]]]:
        """Key, value and headers of the last batch's dead letters."""
        return [
            (emit.key, emit.value, {name: header.decode() for name, header in emit.headers})
            for emit in self.emits
            if emit.topic == DEAD_LETTER
        ]

    @property
    def tables(self) -> LaneTables:
        """What is committed, opened afresh."""
        return LaneTables(self.stores)


def verdict(decision: Json) -> tuple[str, str]:
    """A decision's outcome and deciding reason."""
    return decision["outcome"], decision["reasons"][0]
