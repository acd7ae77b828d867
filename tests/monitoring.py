"""What Prometheus and Grafana are given, read as data: rules, alerts, their promtool tests, dashboards, and the queries in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from app.metrics import CATALOGUE, PROCESS, Kind, Metric

__all__ = [
    "DASHBOARDS", "DEPLOY", "RULES", "RUNBOOKS", "SERIES", "Alert", "Panel", "Selector", "alerts", "dashboards",
    "panels", "promtool_tests", "recorded", "selectors",
]  # fmt: skip

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus"
RUNBOOKS = DEPLOY / "runbooks"
DASHBOARDS = DEPLOY / "grafana" / "dashboards"
Json = dict[str, Any]


def _series() -> Iterator[tuple[str, Metric]]:
    for metric in CATALOGUE:
        if metric.kind is Kind.COUNTER:
            yield f"{metric.name}_total", metric
        elif metric.kind is Kind.GAUGE:
            yield metric.name, metric
        else:
            yield from ((f"{metric.name}_{part}", metric) for part in ("bucket", "sum", "count"))
    yield from ((name, Metric(name, Kind.GAUGE, "Prometheus' own.")) for name in ("up", *PROCESS))


SERIES = dict(_series())
"""Every name a query may ask for -> its metric."""


@dataclass(frozen=True)
class Alert:
    """One alert of the rules."""

    name: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]
    after: str = "0s"


@dataclass(frozen=True)
class Selector:
    """A series that a query asks for, and the values it wants of labels (those with `=` only)."""

    name: str
    equal: dict[str, str]
    labels: frozenset[str]


@dataclass(frozen=True)
class Panel:
    """One panel of a dashboard."""

    dashboard: str
    title: str
    json: Json = field(repr=False)

    @property
    def queries(self) -> list[str]:
        """Its PromQL."""
        return [target["expr"] for target in self.json.get("targets", [])]


def rule_files() -> list[str]:
    """Those that Prometheus loads."""
    return list(yaml.safe_load((RULES / "prometheus.yml").read_text())["rule_files"])


def _rules() -> Iterator[Json]:
    for name in rule_files():
        for group in yaml.safe_load((RULES / name).read_text())["groups"]:
            yield from group["rules"]


def alerts() -> list[Alert]:
    """Every alert."""
    return [
        Alert(rule["alert"], rule["expr"], rule["labels"], rule["annotations"], rule.get("for", "0s"))
        for rule in _rules()
        if "alert" in rule
    ]


def recorded() -> dict[str, str]:
    """Every recorded series -> its expression."""
    return {rule["record"]: rule["expr"] for rule in _rules() if "record" in rule}


def promtool_tests() -> Iterator[tuple[str, Json]]:
    """(file and name, one question asked of the rules) of each promtool test."""
    for path in sorted((RULES / "tests").glob("*.yml")):
        for story in yaml.safe_load(path.read_text())["tests"]:
            yield from ((f"{path.name}: {story['name']}", asked) for asked in story["promql_expr_test"])


def dashboards() -> dict[str, Json]:
    """Every dashboard by its file's name."""
    return {path.name: orjson.loads(path.read_bytes()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels() -> list[Panel]:
    """Every panel that shows data or text; rows are none."""
    return [
        Panel(name, panel["title"], panel)
        for name, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        if panel["type"] != "row"
    ]


_SELECTOR = re.compile(r"\b(autorefund[\w:]*|process_\w+|up\b)(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')


def selectors(query: str) -> list[Selector]:
    """What a query asks for. Names within strings (a job's, a label's value) are none."""
    bare = re.sub(r'(job|alertname)\s*=~?\s*"[^"]*"', r"\1=\"\"", query)
    found = []
    for name, braces in _SELECTOR.findall(bare):
        matchers = _MATCHER.findall(braces)
        equal = {label: wanted for label, how, wanted in matchers if how == "="}
        found.append(Selector(name, equal, frozenset(label for label, _, _ in matchers)))
    return found
