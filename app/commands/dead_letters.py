"""`python -m app dead-letters list|replay`: what could not be read, and sending it again once it is mended.

A replay goes to the topic and partition where the record first lay, with its key and headers, so that it is read as it
would have been then: a request's version is decided once, however often it is sent.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiokafka import ConsumerRecord

from app.errors import CommandFailed, UsageError
from app.kafka.reader import opened_producer, opened_reader
from app.settings import Settings
from schemas.codec import INPUT_MODELS, decode
from schemas.errors import InvalidRecord
from schemas.topics import DEAD_LETTER

__all__ = ["DeadLetter", "main_list", "main_replay", "read_letter"]

SHOWN_CHARACTERS: Final = 60
OURS: Final = frozenset({"topic", "partition", "offset", "error", "schema", "at"})
"""Headers that the worker added (contract, 3); those of the original come before them."""
REPLAYED: Final = "replayed-from"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `place`: its own partition and offset in the topic dead-letter."""

    place: tuple[int, int]
    topic: str
    partition: int
    offset: int
    error: str
    at: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def read_letter(record: ConsumerRecord) -> DeadLetter:
    """What a record of the topic says. Raises CommandFailed where it bears no origin (no worker wrote it)."""
    headers = dict(record.headers)
    try:
        return DeadLetter(
            place=(record.partition, record.offset),
            topic=headers["topic"].decode(),
            partition=int(headers["partition"]),
            offset=int(headers["offset"]),
            error=headers["error"].decode(errors="replace"),
            at=headers["at"].decode(),
            key=record.key,
            value=record.value,
            headers=tuple((name, value) for name, value in record.headers if name not in OURS),
        )
    except (KeyError, ValueError):
        raise CommandFailed(
            f"dead-letter {record.partition}/{record.offset} does not say where it comes from"
        ) from None


async def _letters(
    settings: Settings, days: int, topic: str | None, places: Iterable[tuple[int, int]]
) -> list[DeadLetter]:
    since = datetime.now(UTC) - timedelta(days=days)
    wanted = set(places)
    async with opened_reader(settings) as reader:
        records = reader.read(DEAD_LETTER.name, {place[0] for place in wanted} or None, since=None if wanted else since)
        found = [
            read_letter(record) async for record in records if not wanted or (record.partition, record.offset) in wanted
        ]
    return [letter for letter in found if topic in {None, letter.topic}]


def main_list(settings: Settings, *, topic: str | None, days: int, limit: int, as_json: bool) -> int:
    """Print the newest `limit` of them, and a count by error."""
    letters = sorted(asyncio.run(_letters(settings, days, topic, ())), key=lambda letter: letter.at)
    for letter in letters[-limit:] if limit else []:
        print(json.dumps(_as_json(letter), ensure_ascii=False) if as_json else _line(letter))
    if not as_json:
        counts = Counter((letter.topic, letter.error) for letter in letters)
        for (of_topic, error), number in counts.most_common():
            print(f"{number:>6} × {of_topic}: {error}")
        print(f"{len(letters)} dead letters in {days} days")
    return 0


def _line(letter: DeadLetter) -> str:
    shown = (letter.value or b"").decode(errors="replace")[:SHOWN_CHARACTERS]
    where = f"{letter.topic} {letter.partition}/{letter.offset}"
    return f"{letter.place[0]}/{letter.place[1]}  {letter.at}  {where}  {letter.error}  {shown}"


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "dead_letter": f"{letter.place[0]}/{letter.place[1]}",
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "error": letter.error,
        "at": letter.at,
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "value_base64": None if letter.value is None else base64.b64encode(letter.value).decode(),
    }


def place_of(text: str) -> tuple[int, int]:
    """ "2/17" = partition 2, offset 17 of the topic dead-letter. Raises UsageError."""
    partition, slash, offset = text.partition("/")
    if not (slash and partition.isdecimal() and offset.isdecimal()):
        raise UsageError(f"{text!r}: PARTITION/OFFSET of the dead letter is meant, as `list` shows it first")
    return int(partition), int(offset)


def main_replay(
    settings: Settings,
    places: list[str],
    *,
    topic: str | None,
    days: int,
    value: str | None,
    dry_run: bool,
    anyway: bool,
) -> int:
    """Send dead letters again: the named ones, or all of a topic. Those that would become dead letters again are left out."""
    if not places and topic is None:
        raise UsageError("name dead letters (PARTITION/OFFSET), or a topic with --topic")
    if value is not None and len(places) != 1:
        raise UsageError("--value mends one dead letter: name exactly one")
    letters = asyncio.run(_letters(settings, days, topic, [place_of(place) for place in places]))
    if len(letters) < len(places):
        raise CommandFailed(f"{len(places) - len(letters)} of them are not there")
    mended = _mended(value)
    chosen = []
    for letter in letters:
        raw = letter.value if mended is None else mended
        fault = _fault(letter.topic, raw)
        if fault is not None and not anyway:
            print(f"left out: {letter.place[0]}/{letter.place[1]}: still {fault} (--anyway sends it all the same)")
            continue
        chosen.append((letter, raw))
    if not dry_run:
        asyncio.run(_send(settings, chosen))
    print(f"{'would send' if dry_run else 'sent'} {len(chosen)} of {len(letters)}")
    return 0 if len(chosen) == len(letters) else 1


def _mended(path: str | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _fault(topic: str, value: bytes | None) -> str | None:
    if topic not in INPUT_MODELS:
        return f"of {topic}, which is no input"
    try:
        decode(topic, value)
    except InvalidRecord as error:
        return str(error)
    return None


async def _send(settings: Settings, chosen: list[tuple[DeadLetter, bytes | None]]) -> None:
    async with opened_producer(settings) as producer:
        for letter, value in chosen:
            headers = [*letter.headers, (REPLAYED, b"%d/%d" % letter.place)]
            await producer.send_and_wait(
                letter.topic, value, key=letter.key, partition=letter.partition, headers=headers
            )
