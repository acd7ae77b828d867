"""`python -m tests.bench.metrics_cost [REQUESTS]`: what the metrics cost a worker under load, as a share of its CPU.

A real worker works off a backlog, with a clock around each of its functions that serve only the metrics, and is scraped
once a second. Counting in the processor is too quick to be clocked where it happens: one count is timed alone, and
multiplied. The clocks themselves are counted in, so the figure is an upper bound.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from threading import Event, Thread
from time import process_time, sleep, thread_time
from typing import Any, Final

import app.__main__
from app.exactly_once import lane
from app.kafka import topics
from app.lookout import Lookout
from app.metrics import Metrics
from app.processor.batch import Batch
from app.settings import Settings
from tests.bench.throughput import PARTITIONS, REQUESTS, consumed, prepare
from tests.builders import AT
from tests.kafka_broker import Broker
from tests.worker_process import WorkerProcess

SCRAPE_SECONDS: Final = 1.0
TIMED_ROUNDS: Final = 200_000
SHARE_MAX: Final = 0.03
FIGURES: Final = "FIGURES "
CLOCKED: Final[tuple[tuple[Any, str], ...]] = (
    (Metrics, "add"), (Metrics, "transaction"), (Metrics, "exposition"), (lane, "_ages"), (Batch, "samples"),
    (Lookout, "look"), (Lookout, "walk"),
)  # fmt: skip


def main(requests: int) -> int:
    """Print each part's CPU and the share of all; exit code 1 where it is 3 % or more."""
    with tempfile.TemporaryDirectory() as directory:
        broker = Broker(Path(directory) / "kafka")
        broker.start()
        try:
            records = asyncio.run(prepare(broker, requests))
            asyncio.run(topics.create(Settings(brokers=broker.address, app_id="cost", partitions=PARTITIONS)))
            figures = _worked_off(broker, records, Path(directory))
        finally:
            broker.wipe()
    whole = figures.pop("process")
    total = sum(figures.values())
    for name, seconds in sorted(figures.items(), key=lambda one: -one[1]):
        print(f"{name:28}{seconds * 1000:9.1f} ms  {seconds / whole:7.2%}")
    print(f"{'all of it':28}{total * 1000:9.1f} ms  {total / whole:7.2%} of {whole:.2f} CPU s, {requests} requests")
    return int(total / whole >= SHARE_MAX)


def _worked_off(broker: Broker, records: int, directory: Path) -> dict[str, float]:
    log = directory / "worker.log"
    environment = {
        "AUTOREFUND_BROKERS": broker.address,
        "AUTOREFUND_APP_ID": "cost",
        "AUTOREFUND_DATA_DIR": str(directory / "data"),
        "AUTOREFUND_TRANSACTION_SECONDS_MAX": "120",  # a machine with other work must not end the run
    }
    worker = WorkerProcess(log, environment, module="tests.bench.metrics_cost")
    done = Event()
    scraper = Thread(target=_scrape, args=(worker, done))
    scraper.start()
    try:
        while consumed(worker) < records:
            assert worker.exit_code is None, log.read_text()[-3000:]
            sleep(SCRAPE_SECONDS)
    finally:
        done.set()
        scraper.join()
        worker.terminate()
    (line,) = [line for line in log.read_text().splitlines() if line.startswith(FIGURES)]
    return dict(json.loads(line.removeprefix(FIGURES)))


def _scrape(worker: WorkerProcess, done: Event) -> None:
    while not done.wait(SCRAPE_SECONDS):
        worker.get("/metrics")


def metered_worker() -> int:
    """The worker, with clocks."""
    spent: Counter[str] = Counter()
    counts = 0

    def clocked(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal counts
            if name == "add":
                counts += sum(number for words, number in args[1].items() if not words[0].endswith("_fen"))
            before = thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent[name] += thread_time() - before  # type: ignore[assignment]

        return call

    for owner, name in CLOCKED:
        setattr(owner, name, clocked(getattr(owner, name), name))
    try:
        return app.__main__.main(["worker"])
    finally:
        spent["counting in the processor"] = counts * _seconds_of_a_count()  # type: ignore[assignment]
        print(FIGURES + json.dumps(spent | {"process": process_time()}), flush=True)


def _seconds_of_a_count() -> float:
    """One count, and one age of a decision, which comes at most once a count."""
    batch = Batch(0, AT, None, None, lambda _: 0)  # type: ignore[arg-type]
    earlier = AT - timedelta(seconds=3)
    before = thread_time()
    for _ in range(TIMED_ROUNDS):
        batch.count("decisions", "auto_approve", "approved")
        batch.decision_ages.append(batch.at - earlier)
    return (thread_time() - before) / TIMED_ROUNDS


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        sys.exit(metered_worker())
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else REQUESTS))
