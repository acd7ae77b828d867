"""The stage for the toy: topics, a feeder, workers as processes, and a judge that reads what was committed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.integration.exactly_once.toy import PARTITIONS, TABLES, VERSION, ToyTopics, home_of

ROOT: Final = Path(__file__).parents[3]
WORKER: Final = Path(__file__).parent / "toy_worker.py"
NAMES: Final = 40
DAYS: Final = 3


class Worker:
    """A toy worker as a process. Its lines are kept; its log goes to a file."""

    def __init__(self, brokers: str, app_id: str, folder: Path, name: str, **changes: Any) -> None:
        arguments = {"brokers": brokers, "app_id": app_id, "data_dir": str(folder / name), **changes}
        self.log = folder / f"{name}.log"
        self.lines: list[dict[str, Any]] = []
        environ = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(arguments)],
                stdout=subprocess.PIPE, stderr=log, env=environ, cwd=folder, text=True,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.append(json.loads(line))

    def said(self, what: str) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if line["what"] == what]

    @property
    def lanes(self) -> set[int]:
        """The partitions it said last it had, if ready."""
        last = self.said("lanes")[-1:]
        return {int(p) for p in last[0]["lanes"]} if last and last[0]["ready"] else set()

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def send(self, what: signal.Signals) -> None:
        self.process.send_signal(what)

    def end(self) -> None:
        """Kill it and take its last lines."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


async def until(what: str, true: Callable[[], Any], seconds: float = 40.0) -> None:
    """Wait until `true()`. Raises AssertionError, naming `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.05)


class Stage:
    """One toy application on one broker."""

    def __init__(self, brokers: str, folder: Path, seed: int = 1) -> None:
        self.brokers = brokers
        self.folder = folder
        self.app_id = f"toy{random.Random().getrandbits(40):x}"
        self.topics = ToyTopics(self.app_id)
        self.workers: list[Worker] = []
        self.fed: dict[str, dict[str, str]] = {}
        self._random = random.Random(seed)

    def worker(self, name: str = "", **changes: Any) -> Worker:
        """Start one more worker."""
        worker = Worker(self.brokers, self.app_id, self.folder, name or f"worker{len(self.workers)}", **changes)
        self.workers.append(worker)
        return worker

    async def create_topics(self) -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        await client.start()
        try:
            await client.create_topics([NewTopic(name, PARTITIONS, 1) for name in self.topics])
        finally:
            await client.close()

    async def control(self, version: int) -> None:
        """A control record in every partition."""
        async with AIOKafkaProducer(bootstrap_servers=self.brokers, acks="all") as producer:
            for partition in range(PARTITIONS):
                await producer.send_and_wait(self.topics.control, b"%d" % version, partition=partition)

    def requests(self, number: int, *, strays: float = 0.05, again: float = 0.05) -> Iterable[tuple[str, int, bytes]]:
        """(topic, partition, value) of `number` records; some in a wrong partition, some twice."""
        for _ in range(number):
            if self.fed and self._random.random() < again:
                request = self._random.choice(list(self.fed.values())[-200:])
            else:
                name = f"n{self._random.randrange(NAMES)}"
                request = {"id": f"r{len(self.fed)}", "name": name, "day": f"d{self._random.randrange(DAYS)}"}
                self.fed[request["id"]] = request
            stray = self._random.random() < strays
            partition = self._random.randrange(PARTITIONS) if stray else home_of(request["name"])
            topic = self._random.choice((self.topics.requests, self.topics.others))
            yield topic, partition, orjson.dumps(request)

    async def feed(self, number: int, *, rate: float | None = None, **shape: float) -> None:
        """Write requests, all at once or `rate` a second; outages of the broker are sat out."""
        producer = AIOKafkaProducer(bootstrap_servers=self.brokers, enable_idempotence=True, linger_ms=5)
        await producer.start()
        started, sent = time.monotonic(), []
        try:
            for index, (topic, partition, value) in enumerate(self.requests(number, **shape)):
                sent.append(await producer.send(topic, value, partition=partition))
                if rate is not None and (ahead := index / rate - (time.monotonic() - started)) > 0:
                    await asyncio.sleep(ahead)
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def read(self, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
        """All committed records of a topic: (partition, key, value), in order within a partition."""
        async with _reader(self.brokers) as consumer:
            tps = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            found = []
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [(record.partition, record.key, record.value) for record in records]
            return found

    async def outputs(self) -> list[dict[str, Any]]:
        return [orjson.loads(value or b"") for _, _, value in await self.read(self.topics.outputs)]

    async def table(self, name: str) -> dict[bytes, bytes]:
        """A table as its changelog says."""
        cells: dict[bytes, bytes] = {}
        for _, key, value in await self.read(self.topics.changelog(name)):
            if value is None:
                cells.pop(key or b"", None)
            else:
                cells[key or b""] = value
        return cells

    async def all_counted(self, seconds: float = 60.0) -> None:
        """Wait until every id that was fed has an output."""
        deadline = time.monotonic() + seconds
        while True:
            missing = set(self.fed) - {one.get("id") for one in await self.outputs()}
            if not missing:
                return
            states = [(w.exit_code, w.said("lanes")[-1:]) for w in self.workers]
            assert time.monotonic() < deadline, f"{len(missing)} of {len(self.fed)} without output: {states}"
            await asyncio.sleep(0.3)

    async def judge(self) -> None:
        """Every id counted once, numbers without a gap, and the tables agree."""
        outputs = [one for one in await self.outputs() if "id" in one]
        _equal("counted twice", [one for one, n in Counter(one["id"] for one in outputs).items() if n > 1], [])
        _equal("ids counted", {one["id"] for one in outputs}, set(self.fed))
        numbers: dict[str, list[int]] = defaultdict(list)
        for one in outputs:
            numbers[f"{one['name']}|{one['day']}"].append(one["number"])
        _equal("numbers with gaps", [c for c, found in numbers.items() if found != list(range(1, len(found) + 1))], [])
        counts = {cell.decode(): int(value) for cell, value in (await self.table("counts")).items()}
        _equal("table of counts", set(counts.items()), {(cell, len(found)) for cell, found in numbers.items()})
        _equal("table of ids", {key.decode() for key in await self.table("seen")}, set(self.fed))

    async def committed(self) -> dict[TopicPartition, int | None]:
        """The group's offsets."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.brokers, group_id=self.app_id, enable_auto_commit=False)
        await consumer.start()
        try:
            inputs = (self.topics.control, self.topics.forwarded, self.topics.requests, self.topics.others)
            tps = [TopicPartition(topic, p) for topic in inputs for p in range(PARTITIONS)]
            return {tp: await consumer.committed(tp) for tp in tps}
        finally:
            await consumer.stop()

    def end(self) -> None:
        for worker in self.workers:
            worker.end()


def _equal(what: str, found: Any, wanted: Any) -> None:
    """As assert, with a message of bounded length."""
    if found == wanted:
        return
    more, less = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    raise AssertionError(f"{what}: {len(more)} too many, {more[:5]}; {len(less)} missing, {less[:5]}")


@asynccontextmanager
async def _reader(brokers: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def stage_on(brokers: str, folder: Path, seed: int = 1) -> AsyncIterator[Stage]:
    """A stage with topics and control version 1; its workers are ended with it, their logs shown if it failed."""
    stage = Stage(brokers, folder, seed)
    try:
        await stage.create_topics()
        await stage.control(1)
        yield stage
    except BaseException:
        for worker in stage.workers:
            print(f"--- {worker.log.name}: exit code {worker.exit_code}\n{worker.log.read_text()[-3000:]}")
        raise
    finally:
        stage.end()


__all__ = ["PARTITIONS", "TABLES", "VERSION", "Stage", "Worker", "stage_on", "until"]
