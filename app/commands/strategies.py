"""`python -m app strategies show|history|check|set`: what a shop's strategies are, were, and are to be.

The topic strategy-config is the truth and the history: it keeps every version for three years (its catalogue entry says so).
A version counts once it is above the one known, as in the processor (domain [57]).
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka.errors import KafkaError, ProducerFenced

from app.commands.strategy_check import Weight, Word, check, describe
from app.errors import CommandFailed, UsageError
from app.kafka.reader import KafkaReader, opened_producer, opened_reader
from app.kafka.trouble import in_words
from app.settings import Settings
from app.words import yuan
from schemas.codec import decode, read_json
from schemas.errors import InvalidRecord
from schemas.events import ShopCapConfig, StrategyConfig
from schemas.events.base import SCHEMA_VERSION
from schemas.times import format_time
from schemas.topics import STRATEGY_CONFIG

__all__ = ["Config", "Version", "accepted", "in_force", "main_check", "main_set", "main_show", "read_config"]

Config = StrategyConfig | ShopCapConfig
Place = tuple[str, str]
MARKS: Final = {Weight.FACT: "·", Weight.HINT: "!", Weight.PROBLEM: "✘"}
SET_ID: Final = "strategies-set"
NOBODY: Final = "?"
"""As updated_by: nobody has put a name to it yet."""


@dataclass(frozen=True, slots=True)
class Version:
    """One accepted version, as it stands in the topic."""

    config: Config
    written_at: datetime


async def accepted(reader: KafkaReader, shop_id: str | None = None) -> list[Version]:
    """Every version that was accepted, of one shop or of all, in the order in which it was written.

    All partitions are read: a config that was written to the wrong one is forwarded by the worker, and counts.
    """
    found = []
    async for record in reader.read(STRATEGY_CONFIG.name):
        try:
            config = decode(STRATEGY_CONFIG.name, record.value)
        except InvalidRecord:
            continue
        assert isinstance(config, StrategyConfig | ShopCapConfig)  # noqa: S101 - the topic has no other models
        if shop_id in {None, config.shop_id}:
            found.append(Version(config, datetime.fromtimestamp(record.timestamp / 1000, UTC)))
    return in_force(sorted(found, key=lambda one: one.written_at))


def in_force(versions: list[Version]) -> list[Version]:
    """Those above the one known before (domain [57])."""
    newest: dict[Place, int] = {}
    counted = []
    for one in versions:
        place = (one.config.shop_id, one.config.strategy_id)
        if place not in newest or one.config.version > newest[place]:
            newest[place] = one.config.version
            counted.append(one)
    return counted


def read_config(path: str) -> tuple[dict[str, Any], Config]:
    """The config in a file, or on standard input (-): as it was written, and parsed with what was left out filled in.

    Raises UsageError.
    """
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    try:
        body = read_json(raw)
        filled = {
            "schema_version": SCHEMA_VERSION,
            "version": 1,
            "updated_at": format_time(datetime.now(UTC)),
            "updated_by": NOBODY,
        } | body
        config = decode(STRATEGY_CONFIG.name, orjson.dumps(filled))
    except InvalidRecord as error:
        raise UsageError(f"{path}: {error}") from None
    assert isinstance(config, StrategyConfig | ShopCapConfig)  # noqa: S101 - as above
    return body, config


def main_show(settings: Settings, *, shop_id: str | None, strategy_id: str | None, history: bool, as_json: bool) -> int:
    """`show` (the newest of each) and `history` (every accepted version, with who and when)."""

    async def read() -> list[Version]:
        async with opened_reader(settings) as reader:
            return await accepted(reader, shop_id)

    versions = [one for one in asyncio.run(read()) if strategy_id in {None, one.config.strategy_id}]
    if not history:
        versions = list({(one.config.shop_id, one.config.strategy_id): one for one in versions}.values())
    versions.sort(key=lambda one: (one.config.shop_id, one.config.strategy_id, one.config.version))
    if not versions:
        raise CommandFailed("no such strategy")
    for one in versions:
        if as_json:
            print(
                json.dumps(
                    {"written_at": format_time(one.written_at), **one.config.model_dump(mode="json")},
                    ensure_ascii=False,
                )
            )
        else:
            print(_line(one))
    return 0


def _line(version: Version) -> str:
    config = version.config
    who = f"{config.updated_by or '?'}, {format_time(config.updated_at or version.written_at)}"
    head = f"{config.shop_id} {config.strategy_id} v{config.version}"
    if isinstance(config, ShopCapConfig):
        state = "taken away" if config.deleted else f"all strategies: {yuan(config.daily_cap_fen.fen)} a day"
        return f"{head}  {state}  ({who})"
    state = "deleted" if config.deleted else f"{config.mode.value}, {'on' if config.enabled else 'off'}"
    caps = f"{yuan(config.per_order_cap_fen.fen)} an order, {yuan(config.daily_cap_fen.fen)} a day"
    return f"{head}  {state}  {config.name}: {caps}  ({who})"


def main_check(settings: Settings, path: str, *, against: list[str], shop: bool) -> int:
    """Explain a config in words; exit code 1 where it has a problem."""
    _, config = read_config(path)

    async def live() -> list[StrategyConfig]:
        async with opened_reader(settings) as reader:
            newest = {one.config.strategy_id: one.config for one in await accepted(reader, config.shop_id)}
            return [one for one in newest.values() if isinstance(one, StrategyConfig)]

    others = [other for file in against if isinstance(other := read_config(file)[1], StrategyConfig)]
    found = check(config, [*others, *(asyncio.run(live()) if shop else [])])
    _tell([*describe(config), *found])
    return 1 if any(word.weight is Weight.PROBLEM for word in found) else 0


def _tell(words: list[Word]) -> None:
    for word in words:
        print(f"{MARKS[word.weight]} {word.zh}\n  {word.en}")


def main_set(settings: Settings, path: str, *, by: str | None, expect: int | None) -> int:
    """Publish a config as the next version. Raises CommandFailed where somebody was quicker (compare-and-set).

    What must be in force before: `expect`, or the version before the one that the file names; a file without one and
    without `expect` overwrites whatever is there.
    """
    body, config = read_config(path)
    who = by or (config.updated_by if config.updated_by != NOBODY else None)
    if not who:
        raise UsageError("--by NAME is needed (or updated_by in the file): each change has a name and a time")
    if expect is None and "version" in body:
        expect = config.version - 1
    version = asyncio.run(_set(settings, body, config, who, expect))
    _tell(describe(config))
    _tell(check(config))
    print(f"{config.shop_id} {config.strategy_id}: version {version} is published; it holds from the next decision.")
    return 0


async def _set(settings: Settings, body: dict[str, Any], config: Config, who: str, expect: int | None) -> int:
    async with opened_reader(settings) as reader:
        partition = reader.home(config.shop_id)
        # Two who set at once fence each other: of two writers with one id, only the later one can commit.
        async with opened_producer(settings, f"{settings.app_id}-{SET_ID}-{partition}") as producer:
            mine = [
                one for one in await accepted(reader, config.shop_id) if one.config.strategy_id == config.strategy_id
            ]
            known = mine[-1] if mine else None
            newest = known.config.version if known else 0
            if expect is not None and expect != newest:
                there = f"version {newest}" + (f" by {known.config.updated_by}" if known else "")
                raise CommandFailed(
                    f"{config.shop_id} {config.strategy_id} is at {there}, not at {expect}: look at it first"
                )
            stamp = {"version": newest + 1, "updated_by": who, "updated_at": format_time(datetime.now(UTC))}
            value = {"schema_version": SCHEMA_VERSION} | body | stamp
            key = f"{config.shop_id}|{config.strategy_id}".encode()
            try:
                async with producer.transaction():
                    await producer.send_and_wait(
                        STRATEGY_CONFIG.name, orjson.dumps(value), key=key, partition=partition
                    )
            except ProducerFenced:
                raise CommandFailed("somebody else sets a strategy of this partition just now: try again") from None
            except KafkaError as error:
                raise CommandFailed(
                    f"whether it was published is unknown ({in_words(error)}): `strategies show` tells"
                ) from error
            return newest + 1
