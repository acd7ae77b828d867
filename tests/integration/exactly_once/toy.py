"""A toy job for the exactly-once layer: everything that the layer promises can be read off its outputs.

A request {"id", "name", "day"} belongs to the partition of its name; one found elsewhere is forwarded. Each id counts
once for its (name, day): the output says the how-manieth it was, and which control version was known. So over all
outputs: every id once, and the numbers of a (name, day) are 1, 2, 3, … without a gap. Tables must agree with that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from app.exactly_once.layer import LayerSettings
from app.lane_job import Effects, Emit, Record
from tables.stores import Store

PARTITIONS: Final = 4
TABLES: Final = ("seen", "counts", "control")
VERSION: Final = b"version"
DUE: Final = b"due"


@dataclass(frozen=True, slots=True)
class ToyTopics:
    """The topics of one toy application."""

    app_id: str

    @property
    def control(self) -> str:
        return f"{self.app_id}-in-control"

    @property
    def forwarded(self) -> str:
        return f"{self.app_id}-in-forwarded"

    @property
    def requests(self) -> str:
        return f"{self.app_id}-in-requests"

    @property
    def others(self) -> str:
        return f"{self.app_id}-in-others"

    @property
    def outputs(self) -> str:
        return f"{self.app_id}-outputs"

    def changelog(self, table: str) -> str:
        return f"{self.app_id}-{table}-changelog"

    def __iter__(self) -> Iterator[str]:
        yield from (self.control, self.forwarded, self.requests, self.others, self.outputs)
        yield from map(self.changelog, TABLES)


def toy_settings(brokers: str, app_id: str, data_dir: Path, **changes: Any) -> LayerSettings:
    """Settings that react quickly."""
    topics = ToyTopics(app_id)
    values: dict[str, Any] = {
        "brokers": brokers,
        "app_id": app_id,
        "partitions": PARTITIONS,
        "control_plane_topics": (topics.control,),
        "forwarded_topic": topics.forwarded,
        "other_topics": (topics.requests, topics.others),
        "tables": TABLES,
        "data_dir": data_dir,
        "fetch_wait_ms": 20,
        "session_timeout_seconds": 6.0,
        "stall_seconds_max": 30.0,
    }
    return LayerSettings(**(values | changes))


def home_of(name: str) -> int:
    """The partition of a name like "n17"."""
    return int(name[1:]) % PARTITIONS


class ToyJob:
    """A `LaneJob`. With `tick_seconds` it counts a tick whenever one fell due, records or not."""

    def __init__(
        self, topics: ToyTopics, partition: int, stores: Mapping[str, Store], tick_seconds: float | None = None
    ) -> None:
        self._topics = topics
        self._partition = partition
        self._stores = stores
        self._tick_seconds = tick_seconds
        self._puts: dict[str, dict[bytes, bytes | None]] = {}
        self._first_due: datetime | None = None

    def process(self, records: Sequence[Record], now: datetime) -> Effects:
        self._puts = {table: {} for table in TABLES}
        tally: Counter[tuple[str, ...]] = Counter()
        emits = list(self._tick(now))
        for record in records:
            if record.topic == self._topics.control:
                self._puts["control"][VERSION] = record.value
                continue
            request = orjson.loads(record.value or b"")
            home = home_of(request["name"])
            if home != self._partition:
                emits.append(Emit(self._topics.forwarded, record.key, record.value, home, (("from", b"%d" % home),)))
                tally["forwarded",] += 1
            elif self._get("seen", request["id"].encode()) is not None:
                tally["duplicates",] += 1
            else:
                emits.append(self._count(request))
                tally["counted",] += 1
        return Effects(self._puts, emits, tally)

    def committed(self) -> None:
        self._puts = {}

    def aborted(self) -> None:
        self._puts = {}

    def next_due(self) -> datetime | None:
        if self._tick_seconds is None:
            return None
        cell = self._stores["control"].get(DUE)
        return datetime.fromisoformat(cell.decode()) if cell else datetime.fromtimestamp(0).astimezone()

    def _tick(self, now: datetime) -> Iterator[Emit]:
        due = self.next_due()
        if due is None or due > now:
            return
        self._puts["control"][DUE] = (now + timedelta(seconds=self._tick_seconds or 0)).isoformat().encode()
        yield Emit(self._topics.outputs, b"tick", orjson.dumps({"tick": now.isoformat()}))

    def _get(self, table: str, key: bytes) -> bytes | None:
        puts = self._puts[table]
        return puts[key] if key in puts else self._stores[table].get(key)

    def _count(self, request: Mapping[str, str]) -> Emit:
        cell = f"{request['name']}|{request['day']}".encode()
        number = int(self._get("counts", cell) or 0) + 1
        self._puts["seen"][request["id"].encode()] = b"1"
        self._puts["counts"][cell] = b"%d" % number
        version = self._get("control", VERSION)
        output = {**request, "number": number, "version": version.decode() if version else None}
        return Emit(self._topics.outputs, request["id"].encode(), orjson.dumps(output))
