"""compose.yaml's own services as processes of this machine: the same commands, the same settings, the same Kafka settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import yaml

from tests.kafka_broker import Broker
from tests.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "deploy" / "compose.yaml").read_text()
)["services"]
OF_THE_MACHINE = ("NODE_ID", "PROCESS_ROLES", "CONTROLLER", "LISTENER", "ADVERTISED", "INTER_BROKER", "LOG_DIRS")
"""Of Kafka's settings, those that say where it listens and stores: here others."""
WAIT_SECONDS_MAX = 60.0


def kafka_settings() -> str:
    """What the Kafka image makes of its environment: KAFKA_SOME_NAME is some.name of server.properties."""
    found = {name.removeprefix("KAFKA_"): value for name, value in SERVICES["kafka"]["environment"].items()}
    lines = [
        f"{name.lower().replace('_', '.')}={value}"
        for name, value in found.items()
        if not name.startswith(OF_THE_MACHINE)
    ]
    assert len(lines) >= 4
    return "\n".join(lines)


def environment(service: str, broker: Broker, data: Path) -> dict[str, str]:
    """As the file says, but for addresses, and fewer lanes: quicker on a machine that is busy with other tests."""
    changed = {"AUTOREFUND_BROKERS": broker.address, "AUTOREFUND_DATA_DIR": str(data), "AUTOREFUND_PARTITIONS": "4"}
    return {**SERVICES[service]["environment"], **changed}


def run(service: str, broker: Broker, folder: Path, *more: str) -> str:
    words = [str(word) for word in SERVICES[service]["command"]]
    done = subprocess.run(
        [sys.executable, "-m", "app", *words, *more], env=os.environ | environment(service, broker, folder / service),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def decided(workers: list[WorkerProcess]) -> list[float]:
    """How many decisions each has made."""
    lines = [worker.get("/metrics")[1].splitlines() for worker in workers]
    return [
        sum(float(line.split()[-1]) for line in one if line.startswith("autorefund_decisions_total{")) for one in lines
    ]


def test_one_command_brings_up_two_workers_that_share_the_work(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka", AUTOREFUND_KAFKA_EXTRA=kafka_settings())
    broker.start()
    workers: list[WorkerProcess] = []
    try:
        assert "18 topics with 4 partitions each" in run("topics", broker, tmp_path)
        workers += [
            WorkerProcess(tmp_path / f"{name}.log", environment(name, broker, tmp_path / name))
            for name in ("worker-1", "worker-2")
        ]
        for worker in workers:
            worker.wait_until_ready()
        run("load", broker, tmp_path, "--seconds", "4")  # the last word counts: no hour of it
        until = monotonic() + WAIT_SECONDS_MAX
        while not all(decided(workers)) and monotonic() < until:
            sleep(0.2)
        assert all(decided(workers)), [worker.log.read_text()[-1500:] for worker in workers]
        settings = environment("audit", broker, tmp_path / "audit")
        workers.append(WorkerProcess(tmp_path / "audit.log", settings, command=SERVICES["audit"]["command"]))
        workers[-1].wait_until_ready()
        assert "\nautorefund_audit_faults 0.0\n" in workers[-1].get("/metrics")[1]
    finally:
        for worker in workers:
            worker.kill()
        broker.wipe()
