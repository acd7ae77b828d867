"""What goes on meanwhile: traffic, an executor that pays and reports, sellers who edit their strategies."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.partitions import partitioner
from schemas.times import format_time
from schemas.topics import REFUND_DECISION, REFUND_RESULT, STRATEGY_CONFIG
from tests.integration.traffic import Sent, Traffic

__all__ = ["Executor", "Feeder", "Sellers"]

FLIGHT_MAX = 2_000
CLIENT_TIMEOUT_MS = 120_000
EDIT_SECONDS = (0.5, 2.0)
CAPS = (5_000, 20_000, 40_000, 80_000, 200_000)


def _producer(brokers: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=brokers,
        linger_ms=2,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=CLIENT_TIMEOUT_MS,
    )


class Feeder:
    """Sends all traffic, at a rate; what was not acknowledged is sent again (which makes a duplicate at worst)."""

    def __init__(self, brokers: str, traffic: Traffic, partitions: int, per_second: float) -> None:
        self.sent = 0
        self.sent_again = 0
        self._brokers = brokers
        self._traffic = traffic
        self._home = partitioner(partitions)
        self._partitions = partitions
        self._per_second = per_second

    async def run(self) -> None:
        producer = _producer(self._brokers)
        await producer.start()
        loop = asyncio.get_running_loop()
        flight: list[tuple[Sent, Any]] = []
        begun = loop.time()
        try:
            for sent in self._traffic.records:
                flight.append((sent, await self._send(producer, sent)))
                self.sent += 1
                if len(flight) >= FLIGHT_MAX:
                    await self._land(producer, flight)
                ahead = begun + self.sent / self._per_second - loop.time()
                if ahead > 0:
                    await asyncio.sleep(ahead)
                elif ahead < -1:
                    begun -= ahead  # after a broker's absence: no flood
            await self._land(producer, flight)
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, sent: Sent) -> Any:
        partition = (self._home(sent.shop_id) + sent.misplaced) % self._partitions
        return await producer.send(sent.topic, sent.value, key=sent.key, partition=partition)

    async def _land(self, producer: AIOKafkaProducer, flight: list[tuple[Sent, Any]]) -> None:
        for sent, future in flight:
            try:
                await future
            except KafkaError:
                self.sent_again += 1
                self._traffic.bad.discard(sent.value)  # one of these may now be there twice
                await (await self._send(producer, sent))
        flight.clear()


class Executor:
    """Reads decisions as a refund executor does, and reports what became of each approval, some of it twice."""

    def __init__(self, brokers: str, seed: int, partitions: int) -> None:
        self.results = 0
        self._brokers = brokers
        self._chance = random.Random(seed)
        self._home = partitioner(partitions)
        self._partitions = partitions

    async def run(self) -> None:
        producer = _producer(self._brokers)
        consumer = AIOKafkaConsumer(
            REFUND_DECISION.name,
            bootstrap_servers=self._brokers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            request_timeout_ms=CLIENT_TIMEOUT_MS,
        )
        await producer.start()
        await consumer.start()
        try:
            async for record in consumer:
                decision = orjson.loads(record.value)
                if decision["outcome"] == "auto_approve" and self._chance.random() < 0.9:
                    for _ in range(2 if self._chance.random() < 0.05 else 1):
                        await self._report(producer, decision)
        finally:
            await consumer.stop()
            await producer.stop()

    async def _report(self, producer: AIOKafkaProducer, decision: dict[str, Any]) -> None:
        status = self._chance.choices(("succeeded", "failed", "cancelled", "recovered"), (85, 7, 5, 3))[0]
        amount = decision["amount_fen"]
        if status == "succeeded" and self._chance.random() < 0.05:
            amount = max(1, amount // 2)
        value = {
            "schema_version": 1,
            "decision_id": decision["decision_id"],
            "shop_id": decision["shop_id"],
            "status": status,
            "amount_fen": amount,
            "at": format_time(datetime.now(UTC)),
        }
        stray = self._chance.random() < 0.05
        partition = (self._home(decision["shop_id"]) + stray) % self._partitions
        key = decision["shop_id"].encode()
        await producer.send(REFUND_RESULT.name, orjson.dumps(value), key=key, partition=partition)
        self.results += 1


class Sellers:
    """Edit their strategies' daily caps now and then."""

    def __init__(self, brokers: str, traffic: Traffic, seed: int, partitions: int) -> None:
        self.edits = 0
        self._brokers = brokers
        self._configs = list(traffic.configs)
        self._chance = random.Random(seed)
        self._home = partitioner(partitions)

    async def run(self) -> None:
        producer = _producer(self._brokers)
        await producer.start()
        try:
            while True:
                await asyncio.sleep(self._chance.uniform(*EDIT_SECONDS))
                sent = self._chance.choice(self._configs)
                self.edits += 1
                value = orjson.loads(sent.value) | {
                    "version": 1 + self.edits,
                    "daily_cap_fen": self._chance.choice(CAPS),
                    "updated_at": format_time(datetime.now(UTC)),
                }
                await producer.send_and_wait(
                    STRATEGY_CONFIG.name, orjson.dumps(value), key=sent.key, partition=self._home(sent.shop_id)
                )
        finally:
            await producer.stop()
