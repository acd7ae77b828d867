"""The audit, once and for ever, on a real broker with a worker beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest

from tests.builders import result_value
from tests.integration.test_commands import call
from tests.integration.town import PARTITIONS, Town, ago, home, metric

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TRUE_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 5.0


async def becomes(what: Callable[[], bool], why: Callable[[], object]) -> None:
    """Wait until it is so."""
    until = monotonic() + TRUE_SECONDS_MAX
    while not await asyncio.to_thread(what):
        assert monotonic() < until, why()
        await asyncio.sleep(0.1)


async def test_an_audit_agrees_while_the_worker_runs_and_sees_a_single_wrong_fen(town: Town) -> None:
    worker = town.worker()
    await town.strategy(daily_cap_fen=1500)
    for number in range(20):
        await town.order(f"o-{number}")
        await town.ask(number)
    await town.decisions(20)
    for number, status, amount in ((0, "succeeded", 100), (1, "failed", 100), (2, "succeeded", 40), (0, "failed", 100)):
        result = result_value(decision_id=f"r-{number}:1", status=status, amount_fen=amount, at=ago(seconds=0))
        await town.send("refund-result", result, partition=(home("shop-1") + number) % PARTITIONS)
    until = monotonic() + 15
    while metric(worker, "autorefund_results_total") < 3 and monotonic() < until:
        await asyncio.sleep(0.05)
    code, said = await call(town, "audit")
    assert (code, "all agree" in said, "20 decisions" in said) == (0, True, True), said
    assert "¥13.40" in said  # 15 approved, one failed, one paid with 40 of 100
    assert worker.terminate() < 5

    await town.forge_spend(executed_fen=140, reserved_fen=1201)
    code, said = await call(town, "audit", "--shop", "shop-1")
    assert (code, "1200 reserved" in said, "1201" in said) == (1, True, True), said


async def test_an_auditor_shows_what_it_found_last_and_why_it_finds_nothing(town: Town) -> None:
    worker = town.worker()
    await town.strategy()
    for number in range(5):
        await town.order(f"o-{number}")
        await town.ask(number)
    await town.decisions(5)
    auditor = await asyncio.to_thread(town.auditor, 1)
    assert (metric(auditor, "autorefund_audit_faults"), metric(auditor, "autorefund_audit_decisions")) == (0, 5)

    await town.ask(5, order_id="o-0")
    await town.decisions(6)
    await becomes(lambda: metric(auditor, "autorefund_audit_decisions") == 6, auditor.log.read_text)
    await town.forge_spend(executed_fen=0, reserved_fen=1)
    await becomes(lambda: metric(auditor, "autorefund_audit_faults") == 1, auditor.log.read_text)
    assert "ERROR    app.commands.auditor: shop-1 s-1" in auditor.log.read_text()

    assert worker.terminate() < STOP_SECONDS_MAX
    await asyncio.to_thread(town.broker.kill)
    await becomes(lambda: auditor.get("/readyz")[0] == 503, auditor.log.read_text)
    assert auditor.get("/readyz")[1].startswith("no audit could be made: ")
    assert auditor.get("/livez")[0] == 200
    assert metric(auditor, "autorefund_audit_faults") == 1
    await asyncio.to_thread(town.broker.start)
    await becomes(auditor.is_ready, auditor.log.read_text)
    assert auditor.terminate() < STOP_SECONDS_MAX
    assert auditor.exit_code == 0
