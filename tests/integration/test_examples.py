"""The example neighbours under deploy/examples, run as they are: a shop asks, a worker decides, an executor pays once."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

import orjson
import pytest

from schemas.codec import decode
from schemas.topics import AFTER_SALE_REQUEST, ORDER_LOGISTICS, REFUND_RESULT, STRATEGY_CONFIG
from tests.integration.test_commands import call
from tests.integration.town import Town, home

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
JAVA = shutil.which("java") or str(Path(os.environ.get("JAVA_HOME", "")) / "bin" / "java")
JARS = EXAMPLES.parent / "kafka" / "libs" / "*"
LANGUAGES = ("python", "java")
SECONDS_MAX = 90.0


def command(language: str, name: str) -> list[str]:
    if language == "python":
        return [sys.executable, str(EXAMPLES / f"{name}.py")]
    source = "".join(word.title() for word in name.split("_"))
    return [JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", str(JARS), str(EXAMPLES / f"{source}.java")]


def environment(town: Town) -> dict[str, str]:
    return os.environ | {"AUTOREFUND_BROKERS": town.broker.address}


async def ask(town: Town, language: str, shop_id: str, request_id: str, amount_fen: int) -> None:
    arguments = [*command(language, "shop_system"), shop_id, request_id, str(amount_fen)]
    await asyncio.to_thread(
        subprocess.run, arguments, env=environment(town), check=True, capture_output=True, timeout=SECONDS_MAX
    )


class Executor:
    """One that runs, until it is told to stop."""

    def __init__(self, town: Town, language: str, ledger: str, group: str) -> None:
        self._log = town.folder / f"executor-{group}.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                [*command(language, "executor"), ledger, group], env=environment(town), stdout=output, stderr=output
            )

    def said(self) -> str:
        return self._log.read_text()

    async def until_said(self, sentences: Sequence[str]) -> str:
        until = monotonic() + SECONDS_MAX
        while any(one not in self.said() for one in sentences):
            assert monotonic() < until, self.said()
            await asyncio.sleep(0.1)
        return self.said()

    async def stop(self) -> int:
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait, 30)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def executors() -> Iterator[list[Executor]]:
    """Those that a test starts; none outlives it."""
    started: list[Executor] = []
    yield started
    for one in started:
        one.kill()


async def test_what_shops_ask_is_decided_and_paid_once_whatever_is_read_again(
    town: Town, executors: list[Executor]
) -> None:
    town.worker()
    await asyncio.gather(*(ask(town, one, f"店-{one}", f"r-{one}", 300) for one in LANGUAGES))
    await ask(town, "python", "shop-large", "r-large", 1001)
    decisions = await town.decisions(3)
    assert decisions["r-large:1"]["outcome"] == "manual_review"
    paid = [f"r-{one}:1" for one in LANGUAGES]
    for topic in (STRATEGY_CONFIG, ORDER_LOGISTICS, AFTER_SALE_REQUEST):
        records = await town.records(topic.name)
        assert len(records) == 3
        assert all(record.partition == home(orjson.loads(record.value)["shop_id"]) for record in records)

    ledgers = {one: town.folder / f"ledger-{one}" for one in LANGUAGES}
    for group, words in (("first", "paid"), ("again", "was paid before")):  # a new group reads everything again
        executors += [Executor(town, one, str(ledgers[one]), f"{group}-{one}") for one in LANGUAGES]
        for one in executors[-2:]:
            told = await one.until_said([f"{name}: {words}" for name in paid])
            assert "r-large" not in told
            assert await one.stop() in {0, 143}

    for record in await town.wait_for(REFUND_RESULT.name, 8):
        decode(REFUND_RESULT.name, record.value)
    code, told = await call(town, "audit")
    assert code == 0, told
    rows = sqlite3.connect(ledgers["python"]).execute("SELECT decision_id, amount_fen FROM paid ORDER BY 1").fetchall()
    assert rows == [(one, 300) for one in sorted(paid)]
    assert sorted(ledgers["java"].read_text().split()) == sorted(paid)
