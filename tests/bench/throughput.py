"""`python -m tests.bench.throughput [REQUESTS]`: one worker beside a plain aiokafka loop, same decoding, same job, one broker.

The plain loop is what a careful person writes by hand without the promise: it decides with the same processor on tables
in memory, sends the outputs with an idempotent producer, and commits offsets afterwards. It has no changelogs, no transactions
and no fencing, so a crash loses or repeats decisions. Each side reads the same topics under a group of its own, in turn.
Figures: wall seconds from the first decision's request to the last, and CPU seconds of the process (user + system).
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.kafka import topics
from app.lane_job import Record
from app.partitions import partitioner
from app.processor import Processor, Rules
from app.settings import Settings
from schemas.topics import CONTROL_PLANE, INPUTS
from tables.lane_tables import TABLE_NAMES
from tables.stores.memory import MemoryStore
from tests.integration.outputs import produce
from tests.integration.traffic import make_traffic
from tests.kafka_broker import Broker
from tests.worker_process import WorkerProcess

PARTITIONS: Final = 4
REQUESTS: Final = 60_000
SEED: Final = 7
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
LOOP_COMMAND: Final = "plain-loop"


def main(requests: int) -> None:
    """Run both, twice each in turn, and print a table."""
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(Path(directory) / "kafka")
        broker.start()
        try:
            records = asyncio.run(prepare(broker, requests))
            print(f"{requests} requests, {records} records, {PARTITIONS} partitions, one process a side")
            print(f"{'':22}{'wall s':>8}{'requests/s':>12}{'CPU us/request':>16}{'requests/CPU-s':>16}")
            for round_ in (1, 2):
                _row(f"plain loop, run {round_}", requests, *_plain_loop(broker, records, f"plain-{round_}"))
                _row(f"worker, run {round_}", requests, *_worker(broker, records, f"bench-{round_}", Path(directory)))
        finally:
            broker.wipe()


def _row(name: str, requests: int, wall: float, cpu: float) -> None:
    print(
        f"{name:22}{wall:8.2f}{requests / wall:12,.0f}{cpu / requests * 1e6:16.1f}{requests / cpu:16,.0f}", flush=True
    )


async def prepare(broker: Broker, requests: int) -> int:
    await topics.create(Settings(brokers=broker.address, partitions=PARTITIONS))
    traffic = make_traffic(SEED, requests)
    await produce(broker.address, traffic.configs, PARTITIONS)
    await produce(broker.address, traffic.records, PARTITIONS)
    return len(traffic.configs) + len(traffic.records)


def _worker(broker: Broker, records: int, app_id: str, directory: Path) -> tuple[float, float]:
    settings = Settings(brokers=broker.address, app_id=app_id, partitions=PARTITIONS)
    asyncio.run(topics.create(settings))
    worker = WorkerProcess(
        directory / f"{app_id}.log",
        {
            "AUTOREFUND_BROKERS": broker.address,
            "AUTOREFUND_APP_ID": app_id,
            "AUTOREFUND_DATA_DIR": str(directory / "data"),
            "AUTOREFUND_LANE_RECORDS_MAX": "20000",
        },
    )
    try:
        started = cpu_before = None
        while consumed(worker) < records:
            if started is None and consumed(worker):
                started, cpu_before = monotonic(), _cpu_seconds(worker.pid)
            sleep(0.02)
        assert started is not None
        assert cpu_before is not None
        return monotonic() - started, _cpu_seconds(worker.pid) - cpu_before
    finally:
        worker.terminate()


def consumed(worker: WorkerProcess) -> float:
    """Records committed so far, without the forwarded ones, which are consumed twice."""
    _, text = worker.get("/metrics")
    consumed = forwarded = 0.0
    for line in text.splitlines():
        if line.startswith("autorefund_batch_records_sum "):
            consumed = float(line.split()[1])
        if line.startswith("autorefund_forwarded_total"):
            forwarded += float(line.rpartition(" ")[2])
    return consumed - forwarded


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _plain_loop(broker: Broker, records: int, group: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.throughput", LOOP_COMMAND, broker.address, str(records), group],
        capture_output=True,
        text=True,
        check=True,
    )
    wall, cpu = map(float, done.stdout.split()[-2:])
    return wall, cpu


async def _loop(brokers: str, records: int, group: str) -> None:
    home = partitioner(PARTITIONS)
    stores: Mapping[int, dict[str, Any]] = {p: {t: MemoryStore() for t in TABLE_NAMES} for p in range(PARTITIONS)}
    jobs = {p: Processor(p, stores[p], home, Rules()) for p in range(PARTITIONS)}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
        isolation_level="read_committed", max_poll_records=4000, max_partition_fetch_bytes=4_000_000,
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=brokers, enable_idempotence=True, max_batch_size=1_000_000)
    await consumer.start()
    await producer.start()
    try:
        control = [TopicPartition(topic.name, p) for topic in CONTROL_PLANE for p in range(PARTITIONS)]
        consumer.assign(
            [TopicPartition(topic.name, p) for topic in INPUTS for p in range(PARTITIONS)]
            + [TopicPartition("autorefund-forwarded", p) for p in range(PARTITIONS)]
        )
        rest = [tp for tp in consumer.assignment() if tp not in control]
        ends = await consumer.end_offsets(control)
        consumer.pause(*rest)
        await consumer.seek_to_end(*[tp for tp in rest if tp.topic == "autorefund-forwarded"])
        opened, consumed, forwarded, started, cpu = False, 0, 0, 0.0, 0.0
        while consumed - forwarded < records:
            if not opened and all([await consumer.position(tp) >= end for tp, end in ends.items()]):
                consumer.resume(*rest)
                opened, started, cpu = True, monotonic(), _own_cpu()
            for tp, found in (await consumer.getmany(timeout_ms=50, max_records=4000)).items():
                batch = [Record(r.topic, r.partition, r.offset, r.key, r.value, r.timestamp, r.headers) for r in found]
                effects = jobs[tp.partition].process(batch, datetime.now(UTC))
                consumed += len(batch)
                for emit in effects.emits:
                    forwarded += emit.topic == "autorefund-forwarded"
                    place = tp.partition if emit.partition is None else emit.partition
                    await producer.send(emit.topic, emit.value, emit.key, place, headers=list(emit.headers))
                for table, puts in effects.puts.items():
                    stores[tp.partition][table].apply(puts, 0)
                jobs[tp.partition].committed()
            await producer.flush()
            await consumer.commit()
        print(monotonic() - started, _own_cpu() - cpu)
    finally:
        await consumer.stop()
        await producer.stop()


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == [LOOP_COMMAND]:
        asyncio.run(_loop(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else REQUESTS)
