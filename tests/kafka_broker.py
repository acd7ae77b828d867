"""A one-node Apache Kafka for tests, which can be killed, paused, restarted and wiped.

`kafka` is one broker for the whole session (or the one that AUTOREFUND_BROKERS names: then nothing is started).
`breakable_kafka` is a broker of the module's own, for tests that break it. Jars come from `deploy/kafka.sh libs`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

__all__ = ["GivenBroker", "KafkaBroker", "breakable_kafka", "kafka"]

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
LIBS: Final = DEPLOY / "kafka" / "libs"
HEAP: Final = "-Xmx384m"
START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 20.0
STARTED: Final = "Kafka Server started"

# The short broker session lets a killed broker come back after 3 seconds instead of 9: its registration must lapse first.
PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=16777216
"""


class GivenBroker:
    """A Kafka that somebody else runs; it can only be talked to."""

    def __init__(self, address: str) -> None:
        self.address = address


class KafkaBroker:
    """A Kafka of our own in `folder`. It keeps its port and its data over stop, kill and start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._controller = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it serves. Raises RuntimeError with its last lines where it does not."""
        if self._process is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        properties = self._folder / "server.properties"
        data = self._folder / "data"
        properties.write_text(PROPERTIES.format(port=self._port, controller=self._controller, data=data))
        if not (data / "meta.properties").exists():
            self._java("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties)).wait(60)
        log = self._folder / "broker.log"
        log.unlink(missing_ok=True)
        self._process = self._java("kafka.Kafka", str(properties), log=log)
        self._wait_until_it_serves(log)

    def stop(self) -> None:
        """Stop it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it at once (SIGKILL), as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it stand still (SIGSTOP): connections stay, nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._running().send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Kill it and remove all it stored."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _java(self, *arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        command = ["java", HEAP, "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", f"{LIBS}/*", *arguments]
        with (log or self._folder / "format.log").open("wb") as out:
            # Its own session: a Ctrl-C at the terminal ends the tests, which then end the broker.
            return subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)

    def _wait_until_it_serves(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if STARTED in log.read_text(errors="replace") and _answers(self._port):
                return
            if self._running().poll() is not None:
                break
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"Kafka did not start: {log.read_text(errors='replace')[-2000:]}")


def _cluster_id() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, below those that outgoing connections are given.

    A port from the ephemeral range may be taken by somebody's connection while the broker is down between two starts.
    """
    found: list[int] = []
    port = 12_000 + (os.getpid() * 37 + len(_GIVEN) * 11) % 16_000
    while len(found) < number:
        port = port + 1 if port < 28_000 else 12_000
        if port not in _GIVEN and not _answers(port):
            found.append(port)
            _GIVEN.add(port)
    return found


_GIVEN: Final[set[int]] = set()


def _fetch_jars() -> None:
    if not (LIBS / ".complete").exists() and not list(LIBS.glob("kafka_2*.jar")):
        environ = os.environ | {"AUTOREFUND_KAFKA_BY": "java"}
        subprocess.run([str(DEPLOY / "kafka.sh"), "libs"], check=True, env=environ)


def _broker_in(folder: Path) -> Iterator[KafkaBroker]:
    _fetch_jars()
    broker = KafkaBroker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.wipe()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GivenBroker | KafkaBroker]:
    """The session's broker. Tests use topics and groups of their own names on it, and never break it."""
    given = os.environ.get("AUTOREFUND_BROKERS")
    if given:
        yield GivenBroker(given)
        return
    yield from _broker_in(tmp_path_factory.mktemp("kafka"))


@pytest.fixture(scope="module")
def breakable_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker of this module's own, to be killed and paused."""
    yield from _broker_in(tmp_path_factory.mktemp("kafka"))
