"""Hours of backlog, written at once, and a worker's memory while it works them off."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from time import monotonic

from aiokafka import AIOKafkaProducer

from app.partitions import partitioner
from tests.integration.town import metric
from tests.integration.traffic import Sent, Traffic, make_traffic
from tests.worker_process import WorkerProcess

__all__ = ["Curve", "again_and_again", "watch", "write"]

SAMPLE_SECONDS = 0.5
BATCH_BYTES = 900_000
DONE_TALLY = "autorefund_requests_total"


@dataclass(slots=True)
class Curve:
    """Resident memory over the records done."""

    points: list[tuple[float, int, int]] = field(default_factory=list)
    """(seconds, records done, MB resident)"""

    def add(self, seconds: float, done: int, megabytes: int) -> None:
        self.points.append((seconds, done, megabytes))

    def most(self, low: float, high: float, total: int) -> int:
        """The most MB between two fractions of the work."""
        return max(mb for _, done, mb in self.points if low * total <= done <= high * total)

    def lines(self, step: int = 20) -> list[str]:
        """About `step` points of it."""
        every = max(1, len(self.points) // step)
        return [f"{seconds:6.1f} s  {done:8d} records  {mb:5d} MB" for seconds, done, mb in self.points[::every]]


def again_and_again(seed: int, distinct: int, records: int) -> Traffic:
    """Mixed traffic of few requests that come again and again: tables stay as they are, whatever else grows shows."""
    traffic, chance = make_traffic(seed, distinct), random.Random(seed)
    once = list(traffic.records)
    logistics = [sent for sent in once if sent.topic == "order-logistics"]
    requests = [sent for sent in once if sent.topic == "after-sale-request" and sent.value not in traffic.bad]
    while len(traffic.records) < records:
        traffic.records.append(chance.choice(logistics if chance.random() < 0.3 else requests))
    return traffic


async def write(brokers: str, records: list[Sent], partitions: int) -> None:
    """All of it as quickly as the broker takes it, in order within each topic-partition."""
    home = partitioner(partitions)
    places: dict[tuple[str, int], list[Sent]] = defaultdict(list)
    for sent in records:
        places[sent.topic, (home(sent.shop_id) + sent.misplaced) % partitions].append(sent)
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        await asyncio.gather(*(_write(producer, topic, partition, some) for (topic, partition), some in places.items()))
    finally:
        await producer.stop()


async def _write(producer: AIOKafkaProducer, topic: str, partition: int, records: list[Sent]) -> None:
    batch = producer.create_batch()
    for sent in records:
        if batch.append(timestamp=None, key=sent.key, value=sent.value) is None:
            await (await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(timestamp=None, key=sent.key, value=sent.value)
    await (await producer.send_batch(batch, topic, partition=partition))


async def watch(worker: WorkerProcess, requests: int, seconds_max: float) -> Curve:
    """The curve until so many requests are done. Fails where the worker ends before, or it takes too long."""
    curve, started = Curve(), monotonic()
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        done = int(await asyncio.to_thread(metric, worker, DONE_TALLY))
        curve.add(monotonic() - started, done, resident_megabytes(worker.pid))
        if done >= requests:
            return curve
        assert worker.exit_code is None, worker.log.read_text()[-2000:]
        assert monotonic() - started < seconds_max, "\n".join(curve.lines())


def resident_megabytes(pid: int) -> int:
    """What `ps` says."""
    return (
        int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout)
        // 1024
    )
