"""deploy/prometheus.sh, run as a newcomer does. It needs no broker, and no worker."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.monitoring import DEPLOY, alerts, recorded
from tests.prometheus import Prometheus
from tests.worker_process import free_port

SCRIPT = DEPLOY / "prometheus.sh"
SEEN_SECONDS_MAX = 30.0


def called(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def worker_port() -> int:
    return free_port()


@pytest.fixture
def prometheus(tmp_path: Path, worker_port: int) -> Iterator[Prometheus]:
    """With deploy's rules and intervals as they are."""
    started = Prometheus(tmp_path / "prometheus", AUTOREFUND_HTTP_PORT=str(worker_port))
    yield started
    started.stop()


def test_run_loads_every_rule_and_looks_at_the_worker_on_its_port(prometheus: Prometheus, worker_port: int) -> None:
    prometheus.wait_until_ready()
    rules = [rule["name"] for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    assert sorted(rules) == sorted([*(alert.name for alert in alerts()), *recorded()])
    until = monotonic() + SEEN_SECONDS_MAX
    while len(targets := prometheus.api("targets")["activeTargets"]) < 2 and monotonic() < until:
        sleep(0.1)
    addresses = {one["scrapePool"]: one["scrapeUrl"] for one in targets}
    assert addresses["autorefund"] == f"http://localhost:{worker_port}/metrics"
    assert addresses["audit"] == "http://localhost:6067/metrics"


def test_both_programs_are_found() -> None:
    done = called()
    prometheus, promtool = done.stdout.splitlines()
    assert (done.returncode, Path(prometheus).name, Path(promtool).name) == (0, "prometheus", "promtool")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    done = called(AUTOREFUND_PROMETHEUS_BIN=str(tmp_path))
    assert (done.returncode, "has no prometheus" in done.stderr) == (1, True)
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "id").write_text("#!/usr/bin/env bash\necho 1000\n")  # a user who may install nothing
    (tmp_path / "id").chmod(0o755)
    done = called(PATH=str(tmp_path))
    assert (done.returncode, "apt-get install prometheus" in done.stderr) == (1, True), done.stderr


def test_called_wrongly_it_says_how_to_call_it() -> None:
    done = called("start")
    assert (done.returncode, "prometheus.sh check" in done.stderr) == (2, True)
