"""What is done to workers and brokers: seeded, one fault after the other, with dead workers started again as a supervisor does."""

from __future__ import annotations

import asyncio
import random
import re
import resource
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from tests.chaos.worker import DEAF, DEAF_SECONDS
from tests.kafka_broker import Broker
from tests.kafka_cluster import NODES, Cluster
from tests.worker_process import WorkerProcess

__all__ = ["CLUSTER_FAULTS", "FAULTS", "SESSION_SECONDS", "Fleet", "Spent", "Tormentor"]

SESSION_SECONDS = 6
PAUSE_SECONDS = (SESSION_SECONDS + 0.5, SESSION_SECONDS + 8.0)
"""Beyond the session; below and beyond the ten seconds after which a transaction has failed."""
BROKER_PAUSE_SECONDS = (1.0, 9.0)
BROKER_AWAY_SECONDS = (10.0, 25.0)
BROKER_GONE_SECONDS = 90.0
REST_SECONDS = (2.0, 7.0)
SCRAPE_SECONDS = 1.0
FLEET_MAX = 3
_LINE = re.compile(r"^(autorefund_\w+)(\{[^}]*\})? ([\d.e+-]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Spent:
    """What workers took of the machine, up to a moment or between two."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    log_lines: int = 0

    def since(self, before: Spent) -> Spent:
        """From that moment to this."""
        return Spent(
            self.seconds - before.seconds, self.cpu_seconds - before.cpu_seconds, self.log_lines - before.log_lines
        )


class Fleet:
    """The workers. Counts what their metrics say, over all their lives."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.workers: list[WorkerProcess] = []
        self.lives = 0
        self.gave_up = 0
        """Workers that ended by themselves, with exit code 1."""
        self._folder = folder
        self._settings = settings
        self._seen: dict[int, dict[str, float]] = {}

    def grow(self) -> None:
        """One more worker."""
        self.lives += 1
        data = {"AUTOREFUND_DATA_DIR": str(self._folder / f"data-{self.lives}")}
        self.workers.append(
            WorkerProcess(self._folder / f"worker-{self.lives}.log", self._settings | data, "tests.chaos.worker")
        )

    def replace(self, worker: WorkerProcess) -> None:
        """It is gone: another takes its place."""
        self.workers.remove(worker)
        self.grow()

    def supervise(self) -> None:
        """Start again what ended by itself."""
        for worker in [one for one in self.workers if one.exit_code is not None]:
            self.gave_up += 1
            self.replace(worker)

    def scrape(self) -> None:
        """Look at every worker's counters; what a killed one had counted since the last look is lost."""
        for worker in self.workers:
            found = self._seen.setdefault(worker.pid, {})
            for name, labels, value in _LINE.findall(worker.get("/metrics")[1]):
                found[name + labels] = float(value)

    def sum(self, name: str, label: str = "") -> int:
        """A counter over all lives and labels, or those with this `label` ('end="aborted"')."""
        keys = [(key, value) for found in self._seen.values() for key, value in found.items()]
        return int(sum(value for key, value in keys if key.startswith(name) and label in key))

    def logs(self) -> dict[str, str]:
        """By worker, all that it said."""
        return {path.stem: path.read_text(errors="replace") for path in self._folder.glob("worker-*.log")}

    def logged(self, words: str) -> int:
        """How many log lines say so."""
        return sum(said.count(words) for said in self.logs().values())

    def spent(self) -> Spent:
        """By all lives until now."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = ended.ru_utime + ended.ru_stime + sum(worker.cpu_seconds for worker in self.workers)
        lines = sum(path.read_bytes().count(b"\n") for path in self._folder.glob("worker-*.log"))
        return Spent(monotonic(), cpu, lines)

    def kill_all(self) -> None:
        """The end."""
        for worker in self.workers:
            worker.resume()
            worker.kill()


class Tormentor:
    """Does the faults, until it is stopped."""

    def __init__(
        self, seed: int, fleet: Fleet, broker: Broker | Cluster, faults: list[str], *, once: bool = False
    ) -> None:
        self.done: Counter[str] = Counter()
        self.each_came = asyncio.Event()
        """Every fault was done at least once."""
        self.without_broker = Spent()
        self.leaders_moved = 0
        self.log: Path | None = None
        """Where to note what is done when."""
        self._chance = random.Random(seed)
        self._fleet = fleet
        self._brokers = broker
        self._faults = faults
        self._once = once
        self._bag: list[str] = []

    async def run(self) -> None:
        """For ever, or until each fault came once."""
        while not (self._once and self.each_came.is_set()):
            await self._rest(*REST_SECONDS)
            if not self._bag:  # every fault comes once before any comes again
                self._bag = self._chance.sample(self._faults, len(self._faults))
            fault = self._bag.pop()
            self._note(f"{fault} begins")
            await getattr(self, f"_{fault}")()
            self._note(f"{fault} is over")
            self.done[fault] += 1
            if not self._bag:
                self.each_came.set()

    def _note(self, what: str) -> None:
        if self.log is not None:
            with self.log.open("a") as log:
                log.write(f"{datetime.now(UTC).isoformat()} {what}\n")

    async def watch(self) -> None:
        """Supervise and count, for ever."""
        while True:
            self._fleet.supervise()
            await asyncio.to_thread(self._fleet.scrape)
            await asyncio.sleep(SCRAPE_SECONDS)

    async def _rest(self, low: float, high: float) -> None:
        await asyncio.sleep(self._chance.uniform(low, high))

    def _victim(self) -> WorkerProcess:
        return self._chance.choice(self._fleet.workers)

    async def _kill(self) -> None:
        victim = self._victim()
        self._note(f"pid {victim.pid}, {victim.log.name}")
        victim.kill()
        self._fleet.replace(victim)

    async def _term(self) -> None:
        victim = self._victim()
        self._fleet.replace(victim)
        await asyncio.to_thread(victim.terminate)

    async def _zombie(self) -> None:
        victim = self._victim()
        self._note(f"pid {victim.pid}, {victim.log.name}")
        victim.pause()
        await self._rest(*PAUSE_SECONDS)
        victim.resume()

    async def _deaf(self) -> None:
        """Its heartbeats are lost: it works on while another has its lanes."""
        victim = self._victim()
        self._note(f"pid {victim.pid}, {victim.log.name}")
        victim.signal(DEAF)
        await asyncio.sleep(DEAF_SECONDS)

    async def _join(self) -> None:
        if len(self._fleet.workers) < FLEET_MAX:
            self._fleet.grow()

    async def _leave(self) -> None:
        if len(self._fleet.workers) > 1:
            victim = self._victim()
            self._fleet.workers.remove(victim)
            await asyncio.to_thread(victim.terminate)

    def _broker(self) -> Broker:
        """The one broker, or any of the cluster's."""
        if isinstance(self._brokers, Broker):
            return self._brokers
        node = self._chance.choice(NODES)
        self._note(f"node {node}")
        return self._brokers.nodes[node]

    async def _broker_kill(self) -> None:
        broker = self._broker()
        await asyncio.to_thread(broker.kill)
        await self._rest(0, 3)
        await asyncio.to_thread(broker.start)
        await self._in_sync()

    async def _broker_pause(self) -> None:
        broker = self._broker()
        broker.pause()
        await self._rest(*BROKER_PAUSE_SECONDS)
        broker.resume()
        await self._in_sync()

    async def _broker_away(self) -> None:
        broker = self._broker()
        await asyncio.to_thread(broker.stop)
        await self._rest(*BROKER_AWAY_SECONDS)
        await asyncio.to_thread(broker.start)
        await self._in_sync()

    async def _broker_gone(self) -> None:
        """For longer than any timeout; what workers do meanwhile is measured."""
        broker = self._broker()
        await asyncio.to_thread(broker.kill)
        before = self._fleet.spent()
        await asyncio.sleep(BROKER_GONE_SECONDS)
        self.without_broker = self._fleet.spent().since(before)
        await asyncio.to_thread(broker.start)
        await self._in_sync()

    async def _roll(self) -> None:
        for broker in self._cluster.nodes.values():
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start)
            await self._in_sync()

    async def _leaders_move(self) -> None:
        self.leaders_moved += await asyncio.to_thread(self._cluster.move_leaders, self._chance)

    async def _in_sync(self) -> None:
        """Never two nodes away at a time: of three copies two must answer."""
        if isinstance(self._brokers, Cluster):
            await asyncio.to_thread(self._brokers.wait_until_in_sync)

    @property
    def _cluster(self) -> Cluster:
        assert isinstance(self._brokers, Cluster)
        return self._brokers


FAULTS = ["kill", "term", "zombie", "deaf", "join", "leave", "broker_kill", "broker_pause"]
"""With one broker."""
CLUSTER_FAULTS = [*FAULTS, "broker_away", "roll", "leaders_move"]
"""With three of them."""
