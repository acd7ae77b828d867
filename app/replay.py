"""`python -m app replay FILE`: the processor on tables in memory, driven by recorded lines (contract, 4). No broker.

Time only moves with a line's `at`. Whatever falls due before it happens first, at its due time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from app.errors import UsageError
from app.lane_job import Effects, Emit, LaneJob, Record
from app.processor import Processor, Rules
from app.processor.batch import dump_json
from app.settings import load_settings
from schemas.codec import INPUT_MODELS
from schemas.times import parse_time
from schemas.topics import DEAD_LETTER
from tables.lane_tables import TABLE_NAMES
from tables.stores.memory import MemoryStore

__all__ = ["BadLine", "Replay", "main", "open_lane", "replay_lines"]

LANE: Final = 0
"""Offline there is one lane, and every shop is at home in it."""
STANDARD_INPUT: Final = "-"
Line = dict[str, Any]


class BadLine(ValueError):  # noqa: N818 - what it is
    """A line that contract.md, 4 does not allow."""


def open_lane(
    rules: Rules | None = None, stores: dict[str, MemoryStore] | None = None
) -> tuple[LaneJob, dict[str, MemoryStore]]:
    """A processor over stores in memory (new ones, unless given), where every shop is at home."""
    stores = {name: MemoryStore() for name in TABLE_NAMES} if stores is None else stores
    return Processor(LANE, stores, lambda _: LANE, rules or Rules()), stores


class Replay:
    """A lane that commits at once."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.lane, self.stores = open_lane(rules)
        self._offset = 0

    def feed(self, line: object) -> list[Line]:
        """The outputs of one line, those of the holds that fall due up to its `at` first. Raises BadLine."""
        at, record = _read(line, self._offset)
        self._offset += 1
        outputs: list[Line] = []
        while (due := self.lane.next_due()) is not None and due <= at:
            outputs += self._do([], due)
        if record is not None:
            outputs += self._do([record], at)
        return outputs

    def _do(self, records: list[Record], at: datetime) -> list[Line]:
        effects = self.lane.process(records, at)
        self._apply(effects)
        self.lane.committed()
        return [_output(emit) for emit in effects.emits]

    def _apply(self, effects: Effects) -> None:
        for table, puts in effects.puts.items():
            self.stores[table].apply(puts, self._offset)


def replay_lines(lines: Iterable[object], rules: Rules | None = None) -> Iterator[Line]:
    """The outputs of all lines, in order. Raises BadLine."""
    replay = Replay(rules)
    for line in lines:
        yield from replay.feed(line)


def main(path: str) -> int:
    """Replay the file and print one JSON line for each output. Raises UsageError with the number of a bad line."""
    settings = load_settings(os.environ)
    replay = Replay(Rules(hold=timedelta(seconds=settings.hold_seconds)))
    with ExitStack() as stack:
        source = _open(path, stack)
        for number, text in enumerate(source, start=1):
            try:
                outputs = replay.feed(_parse(text))
            except BadLine as error:
                sys.stdout.flush()
                raise UsageError(f"{path}: line {number}: {error}") from None
            for output in outputs:
                sys.stdout.write(dump_json(output).decode() + "\n")
    return 0


def _open(path: str, stack: ExitStack) -> BinaryIO:
    if path == STANDARD_INPUT:
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(path).open("rb"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _parse(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error}") from None


def _read(line: object, offset: int) -> tuple[datetime, Record | None]:
    if not isinstance(line, dict):
        raise BadLine("a JSON object is needed")
    try:
        at = parse_time(line.get("at"))
    except ValueError as error:
        raise BadLine(f"at: {error}") from None
    if "topic" not in line:
        if line.keys() - {"at"}:
            raise BadLine("a record needs its topic; a line that moves the clock has nothing but `at`")
        return at, None
    topic, key = line["topic"], line.get("key")
    if not isinstance(topic, str) or topic not in INPUT_MODELS:
        raise BadLine(f"unknown topic {topic!r}")
    if not (key is None or isinstance(key, str)):
        raise BadLine("key: a text is needed")
    if ("value" in line) == ("raw" in line):
        raise BadLine("either `value` or `raw` is needed")
    return at, Record(topic, LANE, offset, None if key is None else key.encode(), _value(line))


def _value(line: Line) -> bytes | None:
    if "value" in line:
        return None if line["value"] is None else dump_json(line["value"])
    if not isinstance(line["raw"], str):
        raise BadLine("raw: a text is needed")
    return line["raw"].encode()


def _output(emit: Emit) -> Line:
    key = None if emit.key is None else emit.key.decode(errors="replace")
    if emit.topic == DEAD_LETTER.name:
        headers = {name: value.decode() for name, value in emit.headers}
        raw = None if emit.value is None else emit.value.decode(errors="replace")
        return {
            "topic": emit.topic,
            "key": key,
            "value": {"topic": headers["topic"], "error": headers["error"], "raw": raw},
        }
    return {"topic": emit.topic, "key": key, "value": orjson.loads(emit.value or b"null")}
