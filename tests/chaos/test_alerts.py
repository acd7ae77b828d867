"""Every alert is made to fire by a real fault, on the rules with their windows shortened (`tests.prometheus.QUICK`).

The faults are listed in deploy/prometheus/README.md; a law holds that table and this file together.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from time import monotonic

import pytest

from tests.integration.test_commands import call
from tests.integration.town import Town, town_on
from tests.kafka_proxy import Kind, Proxy, proxied_broker
from tests.monitoring import alerts
from tests.prometheus import Prometheus, write_config
from tests.worker_process import WorkerProcess, free_port

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

FIRES_SECONDS_MAX = 100.0
CROWD_PAUSE_SECONDS = 0.5
CROWD_SHOPS = 24
"""Without strategies, and so many that each lane has some."""
POISON = 150
CAPS = 25
APPROVALS = 70
AUDIT_SECONDS = 2.0
STOP_SECONDS_MAX = 5.0


class Watch:
    """A town whose workers sit behind a network that can be slow, and a Prometheus that looks at them."""

    def __init__(
        self, town: Town, proxy: Proxy, prometheus: Prometheus, ports: Iterator[int], auditor_port: int
    ) -> None:
        self.town = town
        self.proxy = proxy
        self.prometheus = prometheus
        self._ports = ports
        self.auditor_port = auditor_port
        self.fired: set[str] = set()

    def worker(self, *, ready: bool = True, module: str = "app", port: int | None = None) -> WorkerProcess:
        """One more; it waits long for slow transactions, and for logistics."""
        return self.town.worker(
            ready=ready,
            module=module,
            port=port or next(self._ports),
            brokers=f"127.0.0.1:{self.proxy.port}",
            transaction_seconds_max="30",
        )

    async def fires(self, *names: str) -> None:
        """Wait until each has fired, and see that what a person reads is whole."""
        until = monotonic() + FIRES_SECONDS_MAX
        missing = set(names)
        while missing:
            for name, said in (await asyncio.to_thread(self.prometheus.firing)).items():
                assert not re.search(r"<no value>|<error|\{\{|NaN", str(said)), said
                self.fired.add(name)
            missing -= self.fired
            assert monotonic() < until, missing
            await asyncio.sleep(0.3)

    def not_yet(self, *names: str) -> None:
        """None of them has fired so far: what comes now is the cause."""
        assert not self.fired & set(names)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watch]:
    """Everything, with no worker yet."""
    ports = [free_port(), free_port()]
    auditor_port = free_port()
    write_config(folder / "rules", ports, auditor_port, quick=True)
    prometheus = Prometheus(folder / "prometheus", folder / "rules")
    try:
        async with proxied_broker(folder / "kafka") as (broker, proxy), town_on(broker, folder) as town:
            await asyncio.to_thread(prometheus.wait_until_ready)
            yield Watch(town, proxy, prometheus, iter(ports), auditor_port)
    finally:
        prometheus.stop()


@asynccontextmanager
async def crowd(town: Town) -> AsyncIterator[None]:
    """Requests to shops without strategies, all the time: decided, and never approved."""

    async def ask() -> None:
        for number in count():
            asked = (town.ask(f"crowd-{number}-{shop}", shop_id=f"crowd-{shop}") for shop in range(CROWD_SHOPS))
            await asyncio.gather(*asked)
            await asyncio.sleep(CROWD_PAUSE_SECONDS)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_every_alert_fires_by_a_real_fault(tmp_path: Path) -> None:
    async with watched(tmp_path) as watch:
        await watch.fires("AutorefundNoWorkerReady", "AutorefundAuditOverdue")
        worker = await asyncio.to_thread(watch.worker)
        await what_senders_and_operators_do(watch)
        await a_wrong_fen(watch)  # an audit needs a moment at which nothing moves: before the crowd comes
        await much_money(watch)
        async with crowd(watch.town):
            await asyncio.gather(no_strategy_is_enabled(watch), everything_halted(watch))
            await slow_commits(watch)
            await a_paused_worker(watch, worker)
            await a_worker_that_comes_and_goes(watch)
        assert watch.fired == {alert.name for alert in alerts()}


async def what_senders_and_operators_do(watch: Watch) -> None:
    """Records that cannot be read, contradictions, late logistics, a forgotten switch, small caps: all at once."""
    town = watch.town
    names = (
        "AutorefundDeadLetterBurst",
        "AutorefundRequestConflicts",
        "AutorefundHoldsOverdue",
        "AutorefundShopsHaltedLong",
        "AutorefundCapReachedSurge",
    )
    watch.not_yet(*names)
    await asyncio.gather(*(town.send("after-sale-request", b"{") for _ in range(POISON)))
    for amount_fen in range(100, 108):
        await town.ask("conflict", amount_fen=amount_fen, shop_id="shop-2")
    await town.strategy(shop_id="late")
    await town.ask("late", shop_id="late")
    await call(town, "halt", "--shop", "shop-3", "--by", "wang", "--reason", "drill")
    for number in range(CAPS):
        shop = {"shop_id": f"cap-{number}"}
        await town.strategy(daily_cap_fen=100, **shop)
        for each in range(2):
            await town.order(f"o-{number}-{each}", **shop)
            await town.ask(f"{number}-{each}", amount_fen=60, **shop)
    await watch.fires(*names)


async def a_wrong_fen(watch: Watch) -> None:
    """Audits agree; then somebody writes into the table's changelog, and the next one sees it."""
    watch.not_yet("AutorefundAuditDifference")
    auditor = await asyncio.to_thread(watch.town.auditor, AUDIT_SECONDS, watch.auditor_port)
    while "AutorefundAuditOverdue" in await asyncio.to_thread(watch.prometheus.firing):
        await asyncio.sleep(0.3)
    watch.not_yet("AutorefundAuditDifference")
    await watch.town.forge_spend(executed_fen=0, reserved_fen=1)
    await watch.fires("AutorefundAuditDifference")
    assert auditor.terminate() < STOP_SECONDS_MAX


async def much_money(watch: Watch) -> None:
    """Seventy approvals of five yuan within seconds, and no executor."""
    names = ("AutorefundApprovalsSurge", "AutorefundResultsMissing")
    watch.not_yet(*names)
    await watch.town.strategy()
    for number in range(APPROVALS):
        await watch.town.order(f"o-{number}")
    await asyncio.gather(*(watch.town.ask(number, amount_fen=500) for number in range(APPROVALS)))
    await watch.fires(*names)


async def no_strategy_is_enabled(watch: Watch) -> None:
    """The crowd asks, and nothing is approved any more, as it was before."""
    watch.not_yet("AutorefundApprovalsStopped")
    await watch.town.strategy(version=2, enabled=False)
    await watch.fires("AutorefundApprovalsStopped")


async def everything_halted(watch: Watch) -> None:
    """The kill switch, and its end."""
    watch.not_yet("AutorefundKillSwitchOn")
    await call(watch.town, "halt", "--global", "--by", "li", "--reason", "drill")
    await watch.fires("AutorefundKillSwitchOn")
    await call(watch.town, "resume", "--global", "--by", "li", "--reason", "drill is over")
    while "AutorefundKillSwitchOn" in await asyncio.to_thread(watch.prometheus.firing):
        await asyncio.sleep(0.3)


async def slow_commits(watch: Watch) -> None:
    """The broker takes six seconds for the end of a transaction."""
    watch.proxy.delays[Kind.END_TXN] = 6.0
    await watch.fires("AutorefundLaneStill", "AutorefundLatencyBudgetBurnsFast", "AutorefundLatencyBudgetBurnsSlowly")
    watch.proxy.delays.clear()


async def a_paused_worker(watch: Watch, worker: WorkerProcess) -> None:
    """The only worker stands still, as on a host that is out of memory, and goes on later."""
    worker.pause()
    await watch.fires(
        "AutorefundWorkerDown",
        "AutorefundLanesWithoutWorker",
        "AutorefundLagBudgetBurnsFast",
        "AutorefundLagBudgetBurnsSlowly",
    )
    worker.resume()
    await asyncio.to_thread(worker.wait_until_ready)


async def a_worker_that_comes_and_goes(watch: Watch) -> None:
    """A second worker over a slow network, of a release with a fault, is killed and started again, four times at least."""
    names = ("AutorefundRestoreTooLong", "AutorefundUnknownTallies")
    restarts = ("AutorefundWorkerRestarts", "AutorefundLanesChangeHands")
    watch.not_yet(*names, *restarts)
    watch.proxy.delays[Kind.FETCH] = 4.0
    odd = await asyncio.to_thread(watch.worker, module="tests.chaos.odd_release", ready=False)
    await watch.fires("AutorefundRestoreTooLong")
    watch.proxy.delays.clear()
    await watch.fires("AutorefundUnknownTallies")
    watch.proxy.delays[Kind.END_TXN] = 0.3  # so that there is a batch to be given up whenever lanes move
    until = monotonic() + FIRES_SECONDS_MAX
    while not watch.fired >= set(restarts):
        assert monotonic() < until, set(restarts) - watch.fired
        await asyncio.to_thread(odd.kill)
        odd = await asyncio.to_thread(watch.worker, module="tests.chaos.odd_release", port=odd.port)
        await asyncio.sleep(1)
        watch.fired |= (await asyncio.to_thread(watch.prometheus.firing)).keys()
