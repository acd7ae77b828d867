"""What a worker's lives and deaths must not change: who was halted, what is held, which strategies are known."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from tests.builders import control_value
from tests.integration.town import PARTITIONS, Town, metric

pytestmark = pytest.mark.integration

REQUESTS = 3000
HOLD_SECONDS = 25
"""Longer than it takes until a killed worker's lanes are given to the next (session timeout and start), even here."""


async def test_a_cold_start_reads_the_control_plane_before_its_first_request_31(town: Town) -> None:
    for number in range(REQUESTS):
        await town.order(f"o-{number}") if number % 100 == 0 else None
        await town.ask(number) if number % 3 == 0 else None
    for partition in range(PARTITIONS):
        halt = control_value(shop_id="shop-2")
        await town.send("control", halt, key=b"", partition=partition)
    await town.strategy()
    await town.strategy(shop_id="shop-2")
    await town.ask("halted", shop_id="shop-2")
    town.worker(hold_seconds="2")
    decisions = await town.decisions(REQUESTS // 3 + 1)
    reasons = {decision["reasons"][0] for decision in decisions.values()}
    assert reasons == {"approved", "order_unknown", "halted"}
    assert decisions["r-halted:1"]["reasons"][0] == "halted"


@pytest.mark.parametrize("store", ["memory", "rocksdb"])
async def test_halts_holds_and_strategies_survive_kill_9(town: Town, store: str) -> None:
    data = str(town.folder / "kept")
    first = town.worker(store=store, data_dir=data, hold_seconds=str(HOLD_SECONDS))
    await town.strategy()
    await town.strategy(shop_id="shop-2")
    for partition in range(PARTITIONS):
        await town.send("control", control_value(shop_id="shop-2"), key=b"", partition=partition)
    await town.order("o-1")
    for number in range(200):
        await town.ask(number)
    assert (await town.decisions(1))["r-1:1"]["reasons"] == ["approved"]
    until = monotonic() + 20
    while metric(first, "autorefund_requests_total") < 200 and monotonic() < until:
        await asyncio.sleep(0.05)
    first.kill()

    second = town.worker(store=store, data_dir=data, hold_seconds=str(HOLD_SECONDS))
    await town.order("o-2")
    await town.ask("again", shop_id="shop-2")
    decisions = await town.decisions(3)
    assert decisions["r-2:1"]["reasons"] == ["approved"]
    assert decisions["r-again:1"]["reasons"] == ["halted"]
    decisions = await town.decisions(201)
    assert [one["reasons"][0] for one in decisions.values()].count("order_unknown") == 198
    assert metric(second, "autorefund_restored_records_total") >= 400


async def test_a_store_goes_on_from_its_offset_and_a_deleted_one_is_made_anew_from_the_changelog(town: Town) -> None:
    import shutil

    data = town.folder / "kept"
    first = town.worker(store="rocksdb", data_dir=str(data))
    await town.strategy()
    for number in range(20):
        await town.order(f"o-{number}")
        await town.ask(number)
    await town.decisions(20)
    assert first.terminate() < 5
    assert first.exit_code == 0
    kept = town.worker(store="rocksdb", data_dir=str(data))
    assert metric(kept, "autorefund_restored_records_total") == 0
    assert kept.terminate() < 5
    shutil.rmtree(data)
    second = town.worker(store="rocksdb", data_dir=str(data))
    for number in range(20):
        await town.ask(number, amount_fen=100, request_version=2)
    decisions = await town.decisions(40)
    assert {decisions[f"r-{number}:2"]["reasons"][0] for number in range(20)} == {"item_already_refunded"}
    assert metric(second, "autorefund_restored_records_total") > 20


async def test_readiness_metrics_and_life_are_all_that_the_port_tells(town: Town) -> None:
    worker = town.worker()
    assert worker.get("/livez")[0] == 200
    assert worker.get("/readyz")[0] == 200
    assert "autorefund_ready 1" in worker.get("/metrics")[1]
    for path in ("/", "/tables", "/graph", "/healthz", "/metrics/", "/readyz/x"):
        assert worker.get(path)[0] == 404
