"""Three Kafka nodes on this machine, each broker and controller: one may be away, and nothing may be lost (issue 5)."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import random
import socket
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka_broker import COMMAND_SECONDS_MAX, SCRIPT, Broker

__all__ = ["NODES", "Cluster", "free_ports"]

NODES: Final = (1, 2, 3)
PORTS: Final = range(20_000, 32_000, 2)
"""Below the ports that outgoing connections are given; the next one is the controller's."""
STARTS_MAX: Final = 3
IN_SYNC_SECONDS_MAX: Final = 90.0
ANSWER_SECONDS_MAX: Final = 10
HEAP: Final = "512m"
LIBS: Final = SCRIPT.parent / "kafka" / "libs"
OUR_DEFAULTS: Final = """\
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
"""
TOOLS: Final = "org.apache.kafka.tools"
log = logging.getLogger(__name__)


class Cluster:
    """A three-node Kafka under `directory`. Copies 3, in sync 2, for topics, offsets and transactions alike.

    `extra`: more lines for each node's server.properties. `address` names all nodes, and stays.
    """

    def __init__(self, directory: Path, extra: str = "") -> None:
        self._directory = directory
        self._extra = extra
        self.nodes: dict[int, Broker] = {}
        self.address = ""

    def start(self) -> None:
        """Start all nodes (again), and wait until every partition is in sync. Another process may take a port first."""
        if self.nodes:
            self._all_start()
            return
        for attempt in range(STARTS_MAX):
            self._plan(self._directory / f"try-{attempt}")
            try:
                self._all_start()
            except RuntimeError:
                log.warning("the cluster did not start", exc_info=True)
                self.wipe()
                if attempt + 1 == STARTS_MAX:
                    raise
            else:
                return

    def stop(self) -> None:
        """SIGTERM to all."""
        self._each(Broker.stop)

    def wipe(self) -> None:
        """Kill all, and remove what they stored."""
        self._each(Broker.wipe)
        self.nodes = {}

    def mend(self) -> None:
        """Whatever was done to the nodes, or is still being done: all run again, and are in sync."""
        until = monotonic() + IN_SYNC_SECONDS_MAX
        while True:
            self._each(Broker.mend)
            behind = self._behind()
            if not behind:
                return
            assert monotonic() < until, f"still behind: {behind[:5]}"
            sleep(1)

    def wait_until_in_sync(self) -> None:
        """Until every partition has a leader and all its copies. Raises AssertionError where one stays behind."""
        until = monotonic() + IN_SYNC_SECONDS_MAX
        while behind := self._behind():
            assert monotonic() < until, f"still behind: {behind[:5]}"
            sleep(0.5)

    def leaders(self) -> dict[tuple[str, int], int]:
        """The node that leads, by topic and partition; the cluster's own topics are among them."""
        return {place: one["leader"] for place, one in self._partitions().items()}

    def move_leaders(self, chance: random.Random) -> int:
        """Another order of copies for every partition, internal topics too, and the first of each elected.

        Returns how many leaders are others now.
        """
        before = self.leaders()
        order = {tp: chance.sample(NODES, len(NODES)) for tp in sorted(before)}
        plan = [{"topic": topic, "partition": p, "replicas": nodes} for (topic, p), nodes in order.items()]
        to = ("--bootstrap-server", self.address)
        path = self._directory / "reassignment.json"
        path.write_text(json.dumps({"version": 1, "partitions": plan}))
        self.command(
            f"{TOOLS}.reassign.ReassignPartitionsCommand", *to, "--execute", "--reassignment-json-file", str(path)
        )
        self.command(f"{TOOLS}.LeaderElectionCommand", *to, "--election-type", "preferred", "--all-topic-partitions")
        after = self.leaders()
        return sum(after.get(tp) != leader for tp, leader in before.items())

    def command(self, name: str, *arguments: str) -> str:
        """What Kafka's own command of that class says. Raises RuntimeError where it fails."""
        done = subprocess.run(
            [_java(), "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBS}/*", name, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stdout[-500:]} {done.stderr[-500:]}")
        return done.stdout

    def _behind(self) -> list[tuple[str, int]]:
        try:
            found = self._partitions()
        except (KafkaError, TimeoutError) as error:
            return [(repr(error), 0)]
        return [place for place, one in found.items() if one["leader"] < 0 or len(one["isr"]) < len(one["replicas"])]

    def _partitions(self) -> dict[tuple[str, int], dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=ANSWER_SECONDS_MAX * 1000)
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await admin.start()
                    return await admin.describe_topics()  # type: ignore[no-any-return]
            finally:
                await admin.close()

        return {(one["topic"], p["partition"]): p for one in asyncio.run(ask()) for p in one["partitions"]}

    def _plan(self, directory: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        ports = dict(zip(NODES, free_ports(len(NODES)), strict=True))
        voters = ",".join(f"{node}@127.0.0.1:{port + 1}" for node, port in ports.items())
        for node, port in ports.items():
            self.nodes[node] = Broker(
                directory / f"node-{node}",
                AUTOREFUND_KAFKA_BY="java",  # containers would not see each other's loopback
                AUTOREFUND_KAFKA_PORT=str(port),
                AUTOREFUND_KAFKA_HEAP=HEAP,
                AUTOREFUND_KAFKA_CLUSTER_ID=cluster_id,
                AUTOREFUND_KAFKA_EXTRA=f"node.id={node}\ncontroller.quorum.voters={voters}\n{OUR_DEFAULTS}{self._extra}",
            )
        self.address = ",".join(f"127.0.0.1:{port}" for port in ports.values())

    def _all_start(self) -> None:
        self._each(Broker.start)  # at once: a node serves only where two of three are there

    def _each(self, do: object) -> None:
        with ThreadPoolExecutor(len(NODES)) as pool:
            for done in [pool.submit(do, node) for node in self.nodes.values()]:  # type: ignore[arg-type]
                done.result()


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def free_ports(number: int) -> list[int]:
    """So many ports on which nobody listens, nor on the next one of each."""
    found = []
    for port in random.sample(PORTS, len(PORTS)):
        if _is_free(port) and _is_free(port + 1):
            found.append(port)
        if len(found) == number:
            break
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
