"""A real Prometheus for tests, on deploy's own rules, and questions to it through its HTTP API."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import yaml

from tests.monitoring import DEPLOY, RULES, rule_files
from tests.worker_process import free_port

__all__ = ["QUICK", "Prometheus", "Sample", "write_config"]

READY_SECONDS_MAX = 60.0
INTERVAL = "1s"
Labels = dict[str, str]
Sample = tuple[Labels, float]

QUICK = {
    "5m": "6s",
    "10m": "8s",
    "30m": "10s",
    "1h": "12s",
    "2h": "12s",
    "6h": "12s",
    "1d": "20s",
    "3d": "20s",
    "7d": "90s",
}
"""What windows, and how long ago others began, are in a copy of the rules for tests whose days are seconds."""
QUICK_FOR = {"2m": "1s", "5m": "2s", "1h": "2s", "1d": "2s"}
"""Likewise, how long a thing must last."""
QUICK_COUNTS = {
    "AutorefundWorkerRestarts": "60s",
    "AutorefundLanesChangeHands": "60s",
    "AutorefundApprovalsStopped": "15s",
}
"""The window of what takes seconds itself, and is counted."""
QUICK_LIMITS = {"AutorefundLaneStill": ("> 30", "> 3"), "AutorefundHoldsOverdue": ("> 900", "> 3")}
"""Limits that are seconds."""


def write_config(folder: Path, workers: list[int], auditor: int, *, quick: bool = False) -> None:
    """deploy's prometheus.yml and rules, looked at every second, for processes on these ports. `quick`: see `QUICK`."""
    folder.mkdir()
    config = yaml.safe_load((RULES / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    targets = {"autorefund": workers, "audit": [auditor]}
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in targets[job["job_name"]]]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    for name in rule_files():
        rules = yaml.safe_load((RULES / name).read_text())
        for rule in (rule for group in rules["groups"] for rule in group["rules"] if quick):
            _make_quick(rule)
        (folder / name).write_text(yaml.safe_dump(rules))


def _make_quick(rule: dict[str, str]) -> None:
    name, expr = rule.get("alert", ""), rule["expr"]
    windows = QUICK | ({"30m": QUICK_COUNTS[name]} if name in QUICK_COUNTS else {})
    expr = re.sub(r"\[(\w+)\]", lambda found: f"[{windows[found[1]]}]", expr)
    expr = re.sub(r"offset (\w+)", lambda found: f"offset {windows[found[1]]}", expr)
    if name in QUICK_LIMITS:
        before, after = QUICK_LIMITS[name]
        assert before in expr
        expr = expr.replace(before, after)
    rule["expr"] = expr
    if "for" in rule:
        rule["for"] = QUICK_FOR[rule["for"]]


class Prometheus:
    """`deploy/prometheus.sh run` with the config of `rules`; what it keeps and says goes to `folder`."""

    def __init__(self, folder: Path, rules: Path | None = None, **more: str) -> None:
        folder.mkdir()
        self.port = free_port()
        self.log = folder / "prometheus.log"
        environment = os.environ | {
            "AUTOREFUND_PROMETHEUS_PORT": str(self.port),
            "AUTOREFUND_PROMETHEUS_DIR": str(folder),
            "AUTOREFUND_PROMETHEUS_RULES": str(rules or RULES),
        }
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [DEPLOY / "prometheus.sh", "run"],
                env=environment | more,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def wait_until_ready(self) -> None:
        """Until it answers. Raises AssertionError with its log where it does not."""
        until = monotonic() + READY_SECONDS_MAX
        while monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
                    return
            except OSError:
                sleep(0.1)
        raise AssertionError(self.log.read_text()[-3000:])

    def ask(self, query: str) -> list[Sample]:
        """What the query gives now: labels and value, by labels. A scalar has no labels."""
        found = self.api("query", query=query)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return sorted(((one["metric"], float(one["value"][1])) for one in found["result"]), key=str)

    def one(self, query: str) -> float:
        """The single value; NaN where there is none."""
        found = self.ask(query)
        assert len(found) < 2, found
        return found[0][1] if found else math.nan

    def history(self, query: str, seconds: int, step: int = 1) -> list[tuple[Labels, list[tuple[float, float]]]]:
        """What the query gave over the last seconds: labels, and (time, value) of each."""
        end = self.one("time()")
        found = self.api("query_range", query=query, start=str(end - seconds), end=str(end), step=str(step))
        return [(one["metric"], [(at, float(value)) for at, value in one["values"]]) for one in found["result"]]

    def firing(self) -> dict[str, dict[str, str]]:
        """Alerts that fire now -> their annotations, as a person reads them."""
        found = self.api("alerts")["alerts"]
        return {one["labels"]["alertname"]: one["annotations"] for one in found if one["state"] == "firing"}

    def api(self, what: str, **parameters: str) -> Any:
        """The answer's data."""
        where = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(where, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def stop(self) -> None:
        """Kill it: nothing it keeps is of use."""
        self._process.kill()
        self._process.wait()
