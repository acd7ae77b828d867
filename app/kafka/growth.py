"""`python -m app topics --grow-to N`: more partitions, and with them everything that is remembered.

A shop's partition is a hash modulo their number: with more of them, shops move. Kafka moves nothing with them. So, with all
workers stopped:

    fence     every lane, as a take-over does: what a worker left open is over, and one that comes back can write nothing
    grow      every topic but after-sale-request; from here on no worker starts, as numbers differ
    move      each cell to its shop's new lane: written there and deleted here in one transaction
    tell      the new lanes what all lanes are told: the global switch, and control records that some lane has not read yet
    check     that every cell lies where its shop lives now
    grow      after-sale-request: workers may start

Interrupted anywhere, the same command goes on; where somebody has grown the topics by hand, `--from` says from what number.
Nothing else is needed: records that wait in a shop's old partition, or that a sender with an old view writes there, are
forwarded as all misplaced records are; decisions stay where they are, and readers of history look into `earlier_homes` too.
The new number is a multiple of the old one, so that lanes only ever split.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from app.errors import CommandFailed
from app.exactly_once.layer import LayerSettings
from app.exactly_once.restore import restore
from app.exactly_once.transactions import LaneProducer
from app.kafka.admin import FoundTopic, KafkaAdmin
from app.kafka.reader import KafkaReader, opened_producer, opened_reader
from app.lane_job import Emit
from app.partitions import partitioner
from app.progress import Progress
from app.settings import Settings
from schemas.ids import ALL
from schemas.topics import AFTER_SALE_REQUEST, BUYER_LIST, CONTROL, TABLES, all_topics
from tables.owners import Keeper, owner_of
from tables.stores.memory import MemoryStore

__all__ = ["Grown", "grow", "main"]

CELLS_OF_A_TRANSACTION_MAX: Final = 2_000
FENCE_SECONDS_MAX: Final = 60.0
Cells = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Grown:
    """What was done. `cells` of all tables, of which `moved` went to another lane."""

    was: int
    partitions: int
    cells: int
    moved: int


async def grow(settings: Settings, partitions: int, layer: LayerSettings, was: int | None = None) -> Grown:
    """Grow to so many; `was`: how many there were, where after-sale-request does not say so any more.

    Raises CommandFailed where it must not be done, or somebody works; then it can be called again.
    """
    names = [topic.name for topic in all_topics(settings.app_id)]
    async with KafkaAdmin(settings) as admin:
        found = await admin.describe(names)
        was = _planned(found, names, partitions, was)
        await _nobody_works(admin, settings.app_id)
        async with AsyncExitStack() as stack:
            grown_by_hand = found[AFTER_SALE_REQUEST.name].partitions > was
            move = _Move(replace(layer, partitions=partitions), was, stack, careful=grown_by_hand)
            await move.fence()
            others = [name for name in names if name != AFTER_SALE_REQUEST.name]
            await admin.add_partitions([name for name in others if found[name].partitions < partitions], partitions)
            try:
                moved = await move.all_lanes()
                cells = await move.check()
            except ProducerFenced:
                raise CommandFailed("a worker was started meanwhile: stop it, and say the same again") from None
        await _tell_new_lanes(settings, was, partitions)
        await _nobody_works(admin, settings.app_id)
        if found[AFTER_SALE_REQUEST.name].partitions < partitions:
            await admin.add_partitions([AFTER_SALE_REQUEST.name], partitions)
        await _tell_new_lanes(settings, was, partitions)  # a switch that was set between the two
    return Grown(was, partitions, cells, moved)


def _planned(found: Mapping[str, FoundTopic], names: list[str], partitions: int, was: int | None) -> int:
    """The number of partitions that there were."""
    missing = [name for name in names if name not in found]
    if missing:
        raise CommandFailed(f"there is no topic {missing[0]}: `python -m app topics` creates it")
    now = found[AFTER_SALE_REQUEST.name].partitions
    was = now if was is None else was
    for number in (was, now):
        if partitions % number:
            raise CommandFailed(
                f"{AFTER_SALE_REQUEST.name} has {number} partitions: a multiple of that is needed, not {partitions}"
            )
    for name in names:
        if found[name].partitions not in {was, partitions}:
            raise CommandFailed(
                f"{name} has {found[name].partitions} partitions, {AFTER_SALE_REQUEST.name} has {was}: `python -m app topics "
                "--check` must be content first (or, where growing was interrupted, the same number be said again)"
            )
    return was


async def _nobody_works(admin: KafkaAdmin, app_id: str) -> None:
    members = await admin.members(app_id)
    if members:
        raise CommandFailed(
            f"{members} workers are in the group {app_id}: stop them all first (a killed one counts until its session is over)"
        )


class _Move:
    """Moves cells, lane by lane, under the lanes' own transactional ids. `careful`: a worker may have decided on grown topics."""

    def __init__(self, layer: LayerSettings, was: int, stack: AsyncExitStack, *, careful: bool) -> None:
        self._layer = layer
        self._was = was
        self._careful = careful
        self._home = partitioner(layer.partitions)
        self._writers = [LaneProducer(layer, lane) for lane in range(layer.partitions)]
        for writer in self._writers:
            stack.push_async_callback(writer.close)

    async def fence(self) -> None:
        """Take all lanes, old and new."""
        async with asyncio.timeout(FENCE_SECONDS_MAX), asyncio.TaskGroup() as group:
            for writer in self._writers:
                group.create_task(writer.start())

    async def all_lanes(self) -> int:
        """Move whatever lies in the wrong lane; returns how many cells."""
        moved = 0
        progress = Progress("moving cells", stream=sys.stderr)
        for lane in range(self._was):
            tables = await self._read(lane)
            for table, cells in tables.items():
                for home, leaving in self._leaving(table, cells, lane).items():
                    if self._careful:
                        self._refuse_two_of_a_kind(table, leaving, (await self._read(home))[table], (lane, home))
                    await self._move(table, lane, home, leaving)
                    moved += len(leaving)
                    progress.to(moved)
            if lane == 0:
                await self._spread(tables)
        progress.end()
        return moved

    async def check(self) -> int:
        """Every cell is at home; returns how many there are. Raises CommandFailed."""
        found = 0
        for lane in range(self._layer.partitions):
            for table, cells in (await self._read(lane)).items():
                found += len(cells)
                strays = self._leaving(table, cells, lane)
                if strays:
                    raise CommandFailed(f"{table}: cells of lane {sorted(strays)[0]} still lie in lane {lane}")
        return found

    def _leaving(self, table: str, cells: Cells, lane: int) -> dict[int, Cells]:
        """By their new lane: the cells that are not at home."""
        leaving: dict[int, Cells] = defaultdict(dict)
        for key, value in cells.items():
            owner = owner_of(table, key)
            if isinstance(owner, str) and (home := self._home(owner)) != lane:
                leaving[home][key] = value
        return leaving

    @staticmethod
    def _refuse_two_of_a_kind(table: str, leaving: Cells, there: Cells, lanes: tuple[int, int]) -> None:
        both = [key for key, value in leaving.items() if there.get(key, value) != value]
        if both:
            raise CommandFailed(
                f"{table}: lanes {lanes[0]} and {lanes[1]} both have {both[0]!r}, and differ: a worker has decided on topics "
                "that had grown alone. Which of the two counts, only the decisions tell"
            )

    async def _move(self, table: str, lane: int, home: int, cells: Cells) -> None:
        keys = list(cells)
        for begin in range(0, len(keys), CELLS_OF_A_TRANSACTION_MAX):
            some = keys[begin : begin + CELLS_OF_A_TRANSACTION_MAX]
            written = [Emit(self._layer.changelog(table), key, cells[key], home) for key in some]
            await self._writers[lane].commit({table: dict.fromkeys(some)}, written, {})

    async def _spread(self, tables: Mapping[str, Cells]) -> None:
        """Give every new lane what each lane has."""
        spread = {
            table: {key: value for key, value in cells.items() if owner_of(table, key) is Keeper.EVERY_LANE}
            for table, cells in tables.items()
        }
        for lane in range(self._was, self._layer.partitions):
            await self._writers[lane].commit(spread, [], {})

    async def _read(self, lane: int) -> dict[str, Cells]:
        """All cells of a lane, by table."""
        stores = {table: MemoryStore() for table in TABLES}
        places = {TopicPartition(self._layer.changelog(table), lane): store for table, store in stores.items()}
        await restore(self._layer, places, _silent)
        return {table: dict(store.items()) for table, store in stores.items()}


def _silent(_partition: int, _read: int, _total: int | None) -> None:
    """A restore's progress, told to nobody: a lane of a table is quickly read."""


async def _tell_new_lanes(settings: Settings, was: int, partitions: int) -> None:
    """Write to the new partitions what every lane must read, and not every lane has read (domain [61])."""
    async with opened_reader(settings) as reader, opened_producer(settings) as producer:
        for topic in (CONTROL.name, BUYER_LIST.name):
            waiting = await _unread(reader, topic, was)
            for lane in range(was, partitions):
                there = {record.value async for record in reader.read(topic, [lane])}
                for key, value in waiting:
                    if value not in there:
                        await producer.send_and_wait(topic, value, key=key, partition=lane)


async def _unread(reader: KafkaReader, topic: str, was: int) -> list[tuple[bytes | None, bytes]]:
    """Records for every lane that some old lane has not taken, each once, oldest first."""
    lanes = [TopicPartition(topic, lane) for lane in range(was)]
    committed = await reader.committed(lanes)
    found: dict[bytes, tuple[int, Any]] = {}
    for tp in lanes:
        async for record in reader.read(topic, [tp.partition]):
            if record.offset >= committed[tp] and _is_for_all(topic, record.value):
                found.setdefault(record.value, (record.timestamp, record))
    ordered = sorted(found.values(), key=lambda one: one[0])
    return [(record.key, record.value) for _, record in ordered]


def _is_for_all(topic: str, value: bytes | None) -> bool:
    if topic == CONTROL.name:
        return value is not None
    try:
        body = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return False
    return isinstance(body, dict) and body.get("shop_id") == ALL


def main(settings: Settings, partitions: int, was: int | None) -> int:
    """The command."""
    from app.worker import layer_settings

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters of it, our errors say
    grown = asyncio.run(grow(settings, partitions, layer_settings(settings, partitions), was))
    sys.stdout.write(
        f"{grown.was} partitions were, {grown.partitions} are: {grown.moved} of {grown.cells} cells went to another lane. "
        "Workers may start.\n"
    )
    return 0
