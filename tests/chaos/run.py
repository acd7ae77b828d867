"""One run: a seed, so many requests, these faults; then a table of what happened and what was wrong."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from app.kafka import topics
from app.settings import Settings
from tests.chaos.checker import Verdict, decided_ids, judge
from tests.chaos.evidence import Evidence, Owners, gather
from tests.chaos.faults import SESSION_SECONDS, Fleet, Spent, Tormentor
from tests.chaos.world import Executor, Feeder, Sellers
from tests.integration.outputs import produce
from tests.integration.traffic import Traffic, make_traffic
from tests.kafka_broker import Broker
from tests.kafka_cluster import Cluster

__all__ = ["Run", "Story"]

PARTITIONS = 4
WORKERS = 2
REST_SECONDS_MAX = 120.0
REST_POLL_SECONDS = 3.0
HOLD_SECONDS = 5


@dataclass(slots=True)
class Story:
    """What is to be done."""

    seed: int
    requests: int
    per_second: float
    faults: list[str]
    store: str = "memory"
    once: bool = False
    """Each fault once, and not again and again."""
    brokers: int = 1
    """1, or 3: then with three copies, two of them in sync."""


@dataclass(slots=True)
class Run:
    """What was done, and found."""

    story: Story
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0
    kept: Path | None = None
    """Where a run with faults left the broker's data and the workers' logs."""
    without_broker: Spent = field(default_factory=Spent)
    """What all workers took of the machine while no broker was there."""
    done: dict[str, int] = field(default_factory=dict)
    sometimes: dict[str, int] = field(default_factory=dict)
    """How often something that only a fault can cause was seen; a zero means that the run proves less than it seems to."""

    def lines(self) -> list[str]:
        """The table."""
        verdict = self.verdict
        faults = {name: len(found) for name, found in verdict.faults.items()}
        told = [
            f"seed {self.story.seed}, {self.story.store}, brokers {self.story.brokers}: {len_of(verdict)} in {self.seconds:.0f} s",
            f"  done to it   {_told(self.done)}",
            f"  sometimes    {_told(self.sometimes)}",
            f"  faults       {_told(faults) if faults else 'none: 0 missing, 0 twice, spend = decisions and results to the fen'}",
        ]
        told += [f"    {name}: {', '.join(found[:5])}" for name, found in verdict.faults.items()]
        told += [f"    {line}" for line in verdict.evidence]
        return told + ([f"  kept in {self.kept}"] if self.kept else [])

    @staticmethod
    async def of(story: Story) -> Run:
        """Do it, on brokers of its own."""
        folder = Path(tempfile.mkdtemp(prefix="autorefund-chaos-"))
        broker = Broker(folder / "kafka") if story.brokers == 1 else Cluster(folder / "kafka")
        try:
            await asyncio.to_thread(broker.start)
            run = await _Running(story, broker, folder).run()
        finally:
            await asyncio.to_thread(broker.stop)
        if run.verdict.faults:
            run.kept = folder  # the broker's log and the workers', for whoever looks for the cause
        else:
            shutil.rmtree(folder)
        return run


def len_of(verdict: Verdict) -> str:
    """The amounts, in a line."""
    return (
        f"{verdict.decisions} decisions ({verdict.approved} approved), {verdict.results} results, {verdict.alerts} alerts, "
        f"{verdict.dead_letters} dead letters, {verdict.forwarded} forwarded"
    )


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


class _Running:
    def __init__(self, story: Story, broker: Broker | Cluster, folder: Path) -> None:
        self.story = story
        self.broker = broker
        self._folder = folder
        self.fleet = Fleet(
            folder,
            {
                "AUTOREFUND_BROKERS": broker.address,
                "AUTOREFUND_HOLD_SECONDS": str(HOLD_SECONDS),
                "AUTOREFUND_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
                "AUTOREFUND_STORE": story.store,
                "AUTOREFUND_STALL_SECONDS_MAX": "30",
            },
        )

    async def run(self) -> Run:
        story, address = self.story, self.broker.address
        await topics.create(Settings(brokers=address, partitions=PARTITIONS))
        traffic = make_traffic(story.seed, story.requests)
        await produce(address, traffic.configs, PARTITIONS)
        for _ in range(WORKERS):
            self.fleet.grow()
        started = monotonic()
        feeder = Feeder(address, traffic, PARTITIONS, story.per_second)
        executor = Executor(address, story.seed, PARTITIONS)
        sellers = Sellers(address, traffic, story.seed, PARTITIONS)
        tormentor = Tormentor(story.seed, self.fleet, self.broker, story.faults, once=story.once)
        watching = asyncio.create_task(tormentor.watch())
        others = [asyncio.create_task(one.run()) for one in (executor, sellers)]
        tormenting = asyncio.create_task(tormentor.run())
        tormentor.log = self._folder / "faults.log"
        try:
            await feeder.run()
            await tormentor.each_came.wait()
            await _cancel(tormenting)
            await self._mend(tormentor)
            await self._all_decided(traffic)
            for one in others:
                await _cancel(one)
            await self._at_rest()
        finally:
            for one in (tormenting, watching, *others):
                await _cancel(one)
            await asyncio.to_thread(self.fleet.scrape)
            self.fleet.kill_all()
        evidence = await gather(address, PARTITIONS, Owners(self.fleet.logs().items()))
        return Run(
            story,
            verdict=await judge(address, traffic, PARTITIONS),
            seconds=monotonic() - started,
            without_broker=tormentor.without_broker,
            done=dict(tormentor.done) | {"config edits": sellers.edits, "sent again": feeder.sent_again},
            sometimes=self._sometimes(evidence)
            | ({"leaders moved": tormentor.leaders_moved} if story.brokers > 1 else {}),
        )

    async def _mend(self, tormentor: Tormentor) -> None:
        """Whatever a fault that was cut short has left: a dead broker, a paused process."""
        await asyncio.to_thread(self.broker.mend)
        for worker in self.fleet.workers:
            if worker.exit_code is None:
                worker.resume()

    async def _all_decided(self, traffic: Traffic) -> None:
        """Until nothing is missing, or nothing more comes."""
        left, moved_at = len(traffic.pending), monotonic()
        while left and monotonic() < moved_at + REST_SECONDS_MAX:
            await asyncio.sleep(REST_POLL_SECONDS)
            missing = len(traffic.pending - await decided_ids(self.broker.address, PARTITIONS))
            if missing < left:
                left, moved_at = missing, monotonic()

    async def _at_rest(self) -> None:
        """Until no lane has anything left, by the workers' own word."""
        until = monotonic() + REST_SECONDS_MAX
        quiet = 0
        while monotonic() < until and quiet < 4:
            await asyncio.sleep(REST_POLL_SECONDS)
            lag = 0.0
            for worker in self.fleet.workers:
                text = await asyncio.to_thread(worker.get, "/metrics")
                lines = [line for line in text[1].splitlines() if line.startswith("autorefund_lane_lag_records{")]
                lag += sum(float(line.rpartition(" ")[2]) for line in lines)
            quiet = quiet + 1 if not lag else 0

    def _sometimes(self, evidence: Evidence) -> dict[str, int]:
        """By the workers' word, but for what only Kafka knows of a worker that was killed."""
        fleet = self.fleet
        return {
            "transactions": fleet.sum("autorefund_transactions_total", 'end="committed"'),
            "given up": fleet.sum("autorefund_transactions_total", 'end="aborted"'),
            "aborted decisions": evidence.aborted_decisions,
            "taken over in mid-batch": evidence.mid_batch,
            "fenced": fleet.logged(" is fenced: another worker has it"),
            "take-overs": fleet.logged("took over "),
            "restored records": fleet.sum("autorefund_restored_records_total"),
            "new epochs": fleet.logged("takes a new producer epoch"),
            "ended by themselves": fleet.gave_up,
            "lives": fleet.lives,
        }


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
