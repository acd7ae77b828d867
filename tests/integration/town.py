"""A town: a broker with the product's topics, workers as processes, records sent to it and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer, ConsumerRecord

from app.kafka import topics
from app.partitions import partitioner
from app.settings import Settings
from schemas.cells import SpendCell, dump_cell
from schemas.ids import join_key
from schemas.money import Money
from schemas.times import SpendDay, format_time
from schemas.topics import DEAD_LETTER, REFUND_ALERT, REFUND_DECISION, changelog_topic
from tests import builders
from tests.integration.outputs import read_topic, settled
from tests.integration.traffic import Traffic
from tests.kafka_broker import Broker
from tests.worker_process import WorkerProcess

__all__ = ["PARTITIONS", "Town", "town_on"]

PARTITIONS = 3
WAIT_SECONDS_MAX = 40.0
Json = dict[str, Any]


class Town:
    """Everything a story needs. Times of its records are about now."""

    def __init__(self, broker: Broker, folder: Path, producer: AIOKafkaProducer) -> None:
        self.broker = broker
        self.folder = folder
        self.workers: list[WorkerProcess] = []
        self._auditors: list[WorkerProcess] = []
        self._producer = producer

    def worker(
        self,
        *,
        ready: bool = True,
        module: str = "app",
        tree: Path | None = None,
        port: int | None = None,
        **settings: str,
    ) -> WorkerProcess:
        """One more worker, by `python -m module`, of the release in `tree`; `settings` by their names in small letters."""
        number = len(self.workers)
        environment = {
            "AUTOREFUND_BROKERS": self.broker.address,
            "AUTOREFUND_SESSION_TIMEOUT_SECONDS": "6",
            "AUTOREFUND_DATA_DIR": str(self.folder / f"data-{number}"),
        } | {f"AUTOREFUND_{name.upper()}": value for name, value in settings.items()}
        log = self.folder / f"worker-{number}.log"
        worker = WorkerProcess(log, environment, module, tree=tree, port=port)
        self.workers.append(worker)
        if ready:
            worker.wait_until_ready()
        return worker

    def auditor(self, every: float, port: int | None = None) -> WorkerProcess:
        """`audit --every`, once its first audit has ended."""
        settings = {"AUTOREFUND_BROKERS": self.broker.address}
        log = self.folder / f"auditor-{len(self._auditors)}.log"
        auditor = WorkerProcess(log, settings, command=("audit", "--every", str(every)), port=port)
        self._auditors.append(auditor)
        auditor.wait_until_ready()
        return auditor

    def stop(self) -> None:
        """Kill every process of it, but the broker."""
        for process in (*self.workers, *self._auditors):
            process.kill()

    async def send(self, topic: str, value: object, *, key: bytes | None = None, partition: int | None = None) -> None:
        """One record: a dict as JSON, bytes as they are; to its shop's partition and under its key, unless said."""
        shop_id = value.get("shop_id", "shop-1") if isinstance(value, dict) else "shop-1"
        raw = orjson.dumps(value) if isinstance(value, dict) else value
        where = home(shop_id) if partition is None else partition
        await self._producer.send_and_wait(topic, raw, key=shop_id.encode() if key is None else key, partition=where)

    async def look_again(self) -> None:
        """Let the producer see partitions that were added since it looked."""
        await self._producer.client.force_metadata_update()

    async def strategy(self, **change: Any) -> None:
        """Publish a strategy."""
        value = builders.strategy_value(**change)
        await self.send("strategy-config", value, key=f"{value['shop_id']}|{value['strategy_id']}".encode())

    async def order(self, order_id: str, *, partition: int | None = None, **change: Any) -> None:
        """Publish an order that was shipped three days ago."""
        parcel = builders.parcel_value(shipped_at=ago(days=3))
        value = builders.logistics_value(order_id=order_id, parcels=[parcel], updated_at=ago(days=1), **change)
        await self.send("order-logistics", value, partition=partition)

    async def ask(self, number: int | str, *, partition: int | None = None, **change: Any) -> None:
        """Ask for a refund: request r-<number>, of order o-<number>."""
        value = request(number, **change)
        await self.send("after-sale-request", value, partition=partition)

    async def forge_spend(self, *, executed_fen: int, reserved_fen: int) -> None:
        """Write into the spend table's changelog what no decision accounts for: today's of the strategy s-1 of shop-1."""
        key = join_key("shop-1", "s-1", SpendDay.of(datetime.now(UTC)))
        cell = SpendCell(executed_fen=Money(executed_fen), reserved_fen=Money(reserved_fen))
        changelog = changelog_topic("autorefund", "daily_spend")
        await self._producer.send_and_wait(changelog, dump_cell(cell), key=key, partition=home("shop-1"))

    async def records(self, topic: str) -> list[ConsumerRecord]:
        """All committed records of a topic."""
        return await read_topic(self.broker.address, topic, PARTITIONS)

    async def decisions(self, number: int = 0) -> dict[str, Json]:
        """By decision id, once there are `number` of them. Fails where one is there twice."""
        found = [orjson.loads(record.value) for record in await self.wait_for(REFUND_DECISION.name, number)]
        by_id = {decision["decision_id"]: decision for decision in found}
        assert len(by_id) == len(found)
        return by_id

    async def settled(self, traffic: Traffic) -> None:
        """Fails, with the workers' last lines, unless all is decided in time, each once, and the tables agree."""
        report = await settled(self.broker.address, traffic, "autorefund", PARTITIONS)
        logs = "\n".join(f"{worker.log.name}:\n{worker.log.read_text()[-1500:]}" for worker in self.workers)
        assert not report.faults, logs
        assert report.decided == len(traffic.pending)

    async def dead_letters(self, number: int) -> list[ConsumerRecord]:
        """Once there are `number` of them."""
        return await self.wait_for(DEAD_LETTER.name, number)

    async def alerts(self, number: int = 0) -> list[Json]:
        """Once there are `number` of them."""
        return [orjson.loads(record.value) for record in await self.wait_for(REFUND_ALERT.name, number)]

    async def wait_for(self, topic: str, number: int, partitions: int = PARTITIONS) -> list[ConsumerRecord]:
        """The topic's records, once there are at least so many."""
        until = monotonic() + WAIT_SECONDS_MAX
        while len(found := await read_topic(self.broker.address, topic, partitions)) < number:
            if monotonic() > until:
                logs = "\n".join(worker.log.read_text()[-1500:] for worker in self.workers)
                raise AssertionError(f"{len(found)} records in {topic}, not {number}\n{logs}")
            await asyncio.sleep(0.1)
        return found


def home(shop_id: str) -> int:
    """The shop's partition."""
    return partitioner(PARTITIONS)(shop_id)


def ago(**by: float) -> str:
    """A time before now, as events write it."""
    return format_time(datetime.now(UTC) - timedelta(**by))


def request(number: int | str, **change: Any) -> Json:
    """A valid request of now."""
    return builders.request_value(
        **{"request_id": f"r-{number}", "order_id": f"o-{number}", "applied_at": ago(seconds=1), "amount_fen": 100}
        | change
    )


def metric(worker: WorkerProcess, name: str) -> float:
    """The sum of a metric over its labels; `name` may carry labels to choose by."""
    lines: Iterable[str] = worker.get("/metrics")[1].splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@asynccontextmanager
async def town_on(broker: Broker, folder: Path) -> AsyncIterator[Town]:
    """A town with all topics; its workers are killed when it is left."""
    await topics.create(Settings(brokers=broker.address, partitions=PARTITIONS))
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, acks="all", max_request_size=4_000_000)
    await producer.start()
    town = Town(broker, folder, producer)
    try:
        yield town
    finally:
        town.stop()
        await producer.stop()
