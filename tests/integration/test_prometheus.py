"""A real Prometheus on a real worker under load: every panel and every recorded series has an answer, and a true one."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from schemas.times import SpendDay
from tests.builders import result_value
from tests.integration.test_commands import call
from tests.integration.town import PARTITIONS, Town, ago, home
from tests.monitoring import panels, recorded
from tests.prometheus import Prometheus, write_config
from tests.worker_process import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TRUE_SECONDS_MAX = 60.0
REQUESTS = 400
PAID = 20
Json = dict[str, Any]


@pytest.fixture
def auditor_port() -> int:
    return free_port()


@pytest.fixture
async def watched(town: Town, auditor_port: int) -> AsyncIterator[Prometheus]:
    """A Prometheus that looks at a worker and at the audit, with deploy's rules as they are, each second."""
    worker = town.worker(hold_seconds="2")
    write_config(town.folder / "rules", [worker.port], auditor_port)
    prometheus = Prometheus(town.folder / "prometheus", town.folder / "rules")
    try:
        await asyncio.to_thread(prometheus.wait_until_ready)
        yield prometheus
    finally:
        prometheus.stop()


async def becomes(what: Callable[[], object], wanted: object) -> None:
    """Wait until Prometheus knows it."""
    until = monotonic() + TRUE_SECONDS_MAX
    while (found := await asyncio.to_thread(what)) != wanted:
        assert monotonic() < until, (found, wanted)
        await asyncio.sleep(0.3)


async def live_through_a_day(town: Town, auditor_port: int) -> None:
    """Load, and a little of everything that senders do wrong."""
    code, told = await call(
        town, "load", "--rate", "60", "--requests", str(REQUESTS), "--shops", "20", "--strategies", "80"
    )
    assert code == 0, told
    await town.strategy(daily_cap_fen=100)
    for number in range(3):
        await town.order(f"o-{number}")
        await town.ask(number, amount_fen=60)
    await town.ask(0, amount_fen=61)  # a conflict
    await town.ask("far", partition=(home("shop-1") + 1) % PARTITIONS)
    for _ in range(5):
        await town.send("after-sale-request", b"{")
    approved = [one for one in (await town.decisions(REQUESTS)).values() if one["outcome"] == "auto_approve"]
    for one in approved[:PAID]:
        paid = {name: one[name] for name in ("decision_id", "shop_id", "amount_fen")}
        await town.send("refund-result", result_value(**paid, at=ago(seconds=0)))
    assert len(approved) > PAID
    await asyncio.to_thread(town.auditor, 3600, auditor_port)


async def test_every_panel_and_every_recorded_series_has_an_answer_and_a_true_one(
    town: Town, watched: Prometheus, auditor_port: int
) -> None:
    await live_through_a_day(town, auditor_port)
    await becomes(lambda: watched.one("sum(autorefund_lane_lag_records) + sum(autorefund_holds)"), 0)

    await counts_are_those_of_the_topics(town, watched)
    await day_is_that_of_the_decisions(town, watched)
    for query in recorded():
        samples = await asyncio.to_thread(watched.ask, query)
        assert samples, query
        assert all(math.isfinite(value) and value >= 0 for _, value in samples), (query, samples)
    for panel in panels():
        for query in panel.queries:
            samples = await asyncio.to_thread(watched.ask, query)
            assert samples, (panel, query)
            assert all(math.isfinite(value) and value >= 0 for _, value in samples), (panel, query, samples)
    tiles_are_true(watched)


async def counts_are_those_of_the_topics(town: Town, watched: Prometheus) -> None:
    """Everything that is counted, against what lies in Kafka."""
    decisions = list((await town.decisions()).values())
    notices = Counter(one["kind"] for one in await town.alerts())
    expected = {
        "sum(autorefund_requests_total)": len(await town.records("after-sale-request")) - 5,
        "sum(autorefund_dead_letters_total)": 5,
        "sum(autorefund_conflicts_total)": 1,
        "sum(autorefund_forwarded_total)": 1,
        'sum(autorefund_results_total{status="succeeded"})': PAID,
        "sum(autorefund_approved_fen_total)": sum(
            one["amount_fen"] for one in decisions if one["outcome"] == "auto_approve"
        ),
        "sum(autorefund_alerts_total)": notices.total(),
        "autorefund_audit_faults": 0,
    }
    for query, wanted in expected.items():
        await becomes(lambda query=query: watched.one(query), wanted)
    by = {
        "sum by (outcome, reason) (autorefund_decisions_total) > 0": Counter(
            (one["outcome"], one["reasons"][0]) for one in decisions
        ),
        "sum by (kind) (autorefund_alerts_total) > 0": Counter((kind,) for kind in notices.elements()),
    }
    for query, counts in by.items():
        found = {tuple(labels[name] for name in sorted(labels)): value for labels, value in watched.ask(query)}
        if "outcome" in query:
            found = {(outcome, reason): value for (outcome, reason), value in found.items()}
        assert found == counts, query


async def day_is_that_of_the_decisions(town: Town, watched: Prometheus) -> None:
    """Today's consumption, against the decisions of today. The walk through the tables is a few seconds late."""
    approved = [one for one in (await town.decisions()).values() if one["outcome"] == "auto_approve"]
    today = str(SpendDay.of(datetime.now(UTC)))
    spent = sum(one["amount_fen"] for one in approved if one["spend_day"] == today)
    await becomes(lambda: watched.one("sum(autorefund_day_executed_fen) + sum(autorefund_day_reserved_fen)"), spent)
    used: dict[tuple[str, str], float] = {}
    for one in approved:
        if one["spend_day"] == today:
            place = (one["shop_id"], one["strategy_id"])
            used[place] = max(used.get(place, 0), one["spent_after_fen"] / one["daily_cap_fen"])
    top = {
        (labels["shop"], labels["strategy"]): value
        for labels, value in watched.ask("max by (shop, strategy) (autorefund_top_strategy_consumption_ratio)")
    }
    assert top
    assert top == {place: pytest.approx(used[place]) for place in top}
    assert max(top.values()) == pytest.approx(max(used.values()))


def tiles_are_true(watched: Prometheus) -> None:
    """What the tiles must say of this worker now."""
    shown = {panel.title: watched.one(panel.queries[0]) for panel in panels() if panel.json["type"] == "stat"}
    expected = {
        "Workers ready": 1,
        "Lanes without a worker": 0,
        "Are all workers ready?": 0,
        "Kill switch": 0,
        "How many shops are halted?": 0,
        "Do the books agree?": 0,
        "Do lanes change hands?": 0,
    }
    assert {title: shown[title] for title in expected} == expected
    assert 0 < shown["When were they audited?"] < 300
    assert 0 < shown["Approved of all decisions"] < 1
    assert shown["Budgets used up today"] >= 1
