"""The rules, their runbooks and their tests hold together, and promtool agrees with all of it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from app.__main__ import _parser
from app.metrics import Kind
from tests.monitoring import (
    DEPLOY,
    RULES,
    RUNBOOKS,
    SERIES,
    Alert,
    Selector,
    alerts,
    panels,
    promtool_tests,
    recorded,
    selectors,
)

ALERTS = alerts()
BOOKS = sorted(RUNBOOKS.glob("*.md"))
HEADINGS = ["Meaning", "Impact", "How to see", "What to do"]
BOOK_LINES = range(12, 30)
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that Prometheus or the format adds."""
BY = re.compile(r"\b(?:by|without|on)\s*\(([^)]*)\)")


def everything_asked() -> list[tuple[str, str]]:
    """(where, query) of every rule, panel and runbook."""
    asked = [(alert.name, alert.expr) for alert in ALERTS] + list(recorded().items())
    asked += [(f"{panel.dashboard}: {panel.title}", query) for panel in panels() for query in panel.queries]
    asked += [(book.stem, quoted) for book in BOOKS for quoted in re.findall(r"`([^`\n]+)`", book.read_text())]
    return [(where, query) for where, query in asked if selectors(query)]


@pytest.mark.parametrize(("where", "query"), everything_asked())
def test_a_query_asks_for_what_is_in_the_catalogue(where: str, query: str) -> None:
    for one in selectors(query):
        if one.name in recorded():
            continue
        assert one.name in SERIES, where
        metric = SERIES[one.name]
        assert one.labels <= {*metric.labels, *OF_PROMETHEUS}, where
        assert can_be(one), (where, one)


def can_be(one: Selector) -> bool:
    """The values it wants are some that the metric can have, as far as the catalogue knows."""
    metric = SERIES[one.name]
    if metric.kind is Kind.HISTOGRAM and "le" in one.equal:
        assert one.equal["le"] in {*(str(float(bound)) for bound in metric.buckets), "+Inf"}
    wanted = {label: value for label, value in one.equal.items() if label in metric.labels}
    known = [dict(zip(metric.labels, values, strict=True)) for values in metric.zeros]
    return not known or any(wanted.items() <= values.items() for values in known)


@pytest.mark.parametrize(("where", "query"), everything_asked())
def test_a_query_groups_by_labels_that_are_there(where: str, query: str) -> None:
    there = {label for one in selectors(query) if one.name in SERIES for label in SERIES[one.name].labels}
    if any(one.name in recorded() for one in selectors(query)):
        there |= {"outcome", "reason"}
    grouped = {label.strip() for labels in BY.findall(query) for label in labels.split(",")} - {""}
    assert grouped <= there | OF_PROMETHEUS, where


def test_every_recorded_series_is_asked_for() -> None:
    asked = {one.name for _, query in everything_asked() for one in selectors(query)}
    assert set(recorded()) <= asked


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_how_grave_it_is_and_what_to_do(alert: Alert) -> None:
    assert alert.name.startswith("Autorefund")
    assert alert.labels["severity"] in {"page", "ticket"}
    assert alert.annotations.keys() == {"summary", "description", "runbook"}
    assert not alert.annotations["summary"].endswith(".")
    assert alert.annotations["description"].endswith(".")
    assert alert.annotations["runbook"] == f"deploy/runbooks/{alert.name}.md"
    assert (DEPLOY.parent / alert.annotations["runbook"]).is_file()


def test_an_alert_has_a_name_of_its_own_and_a_runbook_an_alert() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(names) == len(set(names))
    assert {book.stem for book in BOOKS} == set(names)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_runbook_is_short_and_has_its_four_parts(book: Path) -> None:
    text = book.read_text()
    assert text.startswith(f"# {book.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) in BOOK_LINES
    assert set(re.findall(r"\bAutorefund[A-Z]\w+", text)) <= {alert.name for alert in ALERTS}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_the_commands_of_a_runbook_can_be_called(book: Path) -> None:
    for line in re.findall(r"^\s*python -m app (.*)$", book.read_text(), re.MULTILINE):
        _parser().parse_args(shlex.split(line))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_setting_that_a_runbook_names_is_in_the_readme(book: Path) -> None:
    readme = (DEPLOY.parent / "README.md").read_text()
    for name in re.findall(r"AUTOREFUND_\w+", book.read_text()):
        assert f"| `{name}` |" in readme, name


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_promtool_sees_an_alert_fire_and_not_fire(alert: Alert) -> None:
    asked = [one for _, one in promtool_tests() if f'alertname="{alert.name}"' in one["expr"]]
    assert {bool(one["exp_samples"]) for one in asked} == {True, False}


def test_the_readme_says_what_made_each_alert_fire() -> None:
    table = re.findall(r"^\| (Autorefund\w+) \| \S.* \|$", (RULES / "README.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(alert.name for alert in ALERTS)


@pytest.mark.timeout(300)
def test_promtool_agrees() -> None:
    done = subprocess.run(
        [DEPLOY / "prometheus.sh", "check"],
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout + done.stderr
