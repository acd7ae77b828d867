"""The operators' and sellers' commands, one story each, on a real broker with a worker beside them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from tests.builders import result_value, strategy_value
from tests.integration.town import PARTITIONS, Town, ago, request

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


async def call(town: Town, *arguments: str) -> tuple[int, str]:
    """Exit code and everything that was said."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=os.environ | {"AUTOREFUND_BROKERS": town.broker.address, "AUTOREFUND_PARTITIONS": str(PARTITIONS)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = await asyncio.to_thread(run)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def write(path: Path, value: Any) -> str:
    path.write_bytes(value if isinstance(value, bytes) else orjson.dumps(value))
    return str(path)


async def test_why_was_my_refund_not_automatic(town: Town) -> None:
    town.worker()
    await town.strategy(per_order_cap_fen=500)
    await town.order("o-1")
    await town.order("o-2")
    await town.ask(1, amount_fen=501)
    await town.ask(2, amount_fen=400)
    await town.ask(3)
    await town.decisions(2)
    await town.send("refund-result", result_value(decision_id="r-2:1", amount_fen=400, at=ago(seconds=0)))
    bad = request("bad") | {"amount_fen": 1.5}
    await town.send("after-sale-request", bad)
    await town.dead_letters(1)

    code, said = await call(town, "explain", "r-1")
    assert code == 0
    for part in (
        "转人工处理",
        "超过单笔上限",
        "✘ [s-1]",
        "¥5.01 / ¥5.00",
        "it is within the cap per order",
        "未拒绝买家",
    ):
        assert part in said
    code, said = await call(town, "explain", "r-2", "--shop", "shop-1", "--lang", "en")
    assert (code, "approved automatically" in said, "paid" in said, "自动" in said) == (0, True, True, False)
    code, said = await call(town, "explain", "r-3", "--lang", "zh")
    assert (code, "等待订单物流信息" in said) == (0, True)
    code, said = await call(town, "explain", "r-bad", "--lang", "en")
    assert (code, "dead letter" in said, "amount_fen" in said) == (0, True, True)
    code, said = await call(town, "explain", "r-404")
    assert (code, "nothing is known of request r-404" in said) == (1, True)
    code, said = await call(town, "explain", "r-1", "--json")
    assert json.loads(said)[0]["reasons"][0] == "over_per_order_cap"


async def test_a_strategy_is_checked_set_once_and_its_history_kept(town: Town, tmp_path: Path) -> None:
    town.worker()
    draft = {
        name: value
        for name, value in strategy_value().items()
        if name not in {"version", "updated_by", "schema_version"}
    }
    path = write(tmp_path / "draft.json", draft | {"daily_cap_fen": 100_000})
    code, said = await call(town, "strategies", "check", path)
    assert (code, "100 refunds" in said, "一天可退 100 笔" in said) == (0, True, True)
    code, said = await call(town, "strategies", "set", path)
    assert (code, "--by" in said) == (2, True)
    for version in (1, 2):
        code, said = await call(town, "strategies", "set", path, "--by", "wang", "--expect", str(version - 1))
        assert (code, f"version {version}" in said) == (0, True)
    code, said = await call(town, "strategies", "set", path, "--by", "li", "--expect", "1")
    assert (code, "at version 2 by wang, not at 1" in said) == (1, True)
    stale = write(tmp_path / "stale.json", draft | {"version": 2})
    code, said = await call(town, "strategies", "set", stale, "--by", "li")
    assert (code, "at version 2 by wang, not at 1" in said) == (1, True)

    await town.order("o-1")
    await town.ask(1)
    (decision,) = (await town.decisions(1)).values()
    assert (decision["reasons"], decision["strategy_version"]) == (["approved"], 2)

    wrong = write(tmp_path / "wrong.json", draft | {"per_order_cap_fen": 2001})
    for what in ("check", "set"):
        code, said = await call(town, "strategies", what, wrong)
        assert (code, "per_order_cap_fen" in said) == (2, True)
    other = write(
        tmp_path / "other.json", draft | {"strategy_id": "s-2", "name": "other", "product_scope": {"mode": "include"}}
    )
    code, said = await call(town, "strategies", "check", other, "--shop")
    assert (code, "covers none" in said) == (1, True)

    code, said = await call(town, "strategies", "show", "--shop", "shop-1", "--json")
    assert [json.loads(line)["version"] for line in said.splitlines()] == [2]
    code, said = await call(town, "strategies", "history", "--shop", "shop-1")
    assert (code, said.count("wang")) == (0, 2)
    assert (await call(town, "strategies", "show", "--shop", "nobody"))[0] == 1


async def test_two_who_set_at_once_do_not_both_win(town: Town, tmp_path: Path) -> None:
    path = write(tmp_path / "draft.json", strategy_value())
    set_it = ("strategies", "set", path, "--by", "wang", "--expect", "0")
    ends = await asyncio.gather(*(call(town, *set_it) for _ in range(3)))
    assert sorted(code for code, _ in ends) == [0, 1, 1], ends
    assert len(await town.records("strategy-config")) == 1


async def test_the_switch_stops_a_shop_then_everything_and_is_kept(town: Town) -> None:
    town.worker()
    await town.strategy()
    await town.strategy(shop_id="shop-2")
    for number in range(6):
        await town.order(f"o-{number}")
    assert (await call(town, "halt", "--shop", "shop-1"))[0] == 2
    code, said = await call(town, "halt", "--shop", "shop-1", "--by", "wang", "--reason", "odd")
    assert (code, f"told to {PARTITIONS} partitions" in said) == (0, True)
    await reasons_become(town, 0, "halted")
    await call(town, "resume", "--shop", "shop-1", "--by", "wang", "--reason", "looked")
    await reasons_become(town, 1, "approved")
    await call(town, "halt", "--global", "--by", "li", "--reason", "drill")
    await reasons_become(town, 2, "halted")
    code, said = await call(town, "halt", "--show")
    assert (code, "halted now: everything" in said, said.count("wang"), "drill" in said) == (0, True, 2, True)
    assert sorted(alert["kind"] for alert in await town.alerts(2)) == ["shop_halted", "shop_resumed"]


async def reasons_become(town: Town, number: int, reason: str) -> None:
    """Ask for order `number`, again and again with new requests, until the decision says so (the switch is on its way)."""
    until = monotonic() + 15
    attempt = 0
    while True:
        attempt += 1
        asked = f"{number}-{attempt}"
        await town.ask(asked, order_id=f"o-{number}", amount_fen=1)
        while f"r-{asked}:1" not in (decisions := await town.decisions()):
            await asyncio.sleep(0.05)
        if decisions[f"r-{asked}:1"]["reasons"][0] == reason:
            return
        assert monotonic() < until, decisions[f"r-{asked}:1"]


async def test_dead_letters_are_listed_mended_and_sent_again(town: Town, tmp_path: Path) -> None:
    town.worker()
    await town.strategy()
    await town.order("o-1")
    await town.send("after-sale-request", b"{bad")
    await town.send("after-sale-request", request(1) | {"amount_fen": "100"})
    letters = await town.dead_letters(2)
    code, said = await call(town, "dead-letters", "list")
    assert (code, "2 dead letters" in said, "amount_fen" in said) == (0, True, True)
    code, said = await call(town, "dead-letters", "list", "--json", "--topic", "after-sale-request", "--limit", "1")
    place = json.loads(said)["dead_letter"]
    assert place == f"{letters[1].partition}/{letters[1].offset}"

    assert (await call(town, "dead-letters", "replay"))[0] == 2
    assert (await call(town, "dead-letters", "replay", "7/99999"))[0] == 1
    code, said = await call(town, "dead-letters", "replay", "--topic", "after-sale-request")
    assert (code, "sent 0 of 2" in said, "still amount_fen" in said) == (1, True, True)
    mended = write(tmp_path / "mended.json", request(1))
    code, said = await call(town, "dead-letters", "replay", place, "--value", mended, "--dry-run")
    assert (code, "would send 1 of 1" in said) == (0, True)
    assert await town.decisions() == {}
    assert (await call(town, "dead-letters", "replay", place, "--value", mended))[0] == 0
    assert (await town.decisions(1))["r-1:1"]["reasons"] == ["approved"]
    replayed = (await town.records("after-sale-request"))[-1]
    assert dict(replayed.headers)["replayed-from"] == place.encode()


async def test_a_draft_is_tried_on_what_happened(town: Town, tmp_path: Path) -> None:
    town.worker()
    await town.strategy(per_order_cap_fen=100)
    for number in range(10):
        await town.order(f"o-{number}")
        await town.ask(number, amount_fen=50 * (number + 1), buyer_id=f"b-{number % 3}")
    await town.decisions(10)
    draft = write(tmp_path / "draft.json", strategy_value(per_order_cap_fen=300, daily_cap_fen=700))
    code, said = await call(town, "backtest", draft)
    assert code == 0
    for part in (
        "on 10 requests",
        "approved 4, ¥5.00",
        "daily_cap_reached",
        "top buyers",
        "p-1",
        "the cap turned requests away from",
    ):
        assert part in said, said
    assert "2 more approved, ¥3.50; 0 fewer" in said
    code, said = await call(town, "backtest", write(tmp_path / "nobody.json", strategy_value(shop_id="nobody")))
    assert (code, "no requests of shop nobody" in said) == (1, True)
