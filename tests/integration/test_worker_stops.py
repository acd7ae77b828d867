"""A worker that has to stop says why in one line, and nothing that its libraries have to say of it follows."""

from __future__ import annotations

import asyncio

import pytest

from schemas.ids import join_key
from schemas.topics import changelog_topic
from tests.integration.town import Town, home
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.integration

END_SECONDS_MAX = 60
SHOP = "shop-1"


async def stopped(town: Town, **settings: str) -> WorkerProcess:
    """A worker that met the order at its work."""
    worker = town.worker(ready=False, **settings)
    assert await asyncio.to_thread(worker.wait, END_SECONDS_MAX) == 1
    return worker


async def test_the_reason_is_the_last_word_unless_somebody_asks_for_more(town: Town) -> None:
    changelog, key = changelog_topic("autorefund", "orders"), join_key(SHOP, "o-later")
    await town.send(changelog, {"v": 2}, key=key, partition=home(SHOP))
    await town.strategy(shop_id=SHOP)
    await asyncio.gather(*(town.ask(number, shop_id=f"shop-{number}") for number in range(50)))
    await town.ask("later", shop_id=SHOP)

    worker = await stopped(town)
    reason, farewell = worker.last_words()
    assert (
        "the worker stops: InvariantBroken: unreadable OrderCell: v: Input should be 1 (did a later release" in reason
    )
    assert farewell.startswith("autorefund: the worker stopped: InvariantBroken")
    assert "Traceback" not in worker.log.read_text()

    talkative = await stopped(town, log_level="DEBUG")
    said = "\n".join(talkative.last_words())
    assert "where that comes from\nTraceback (most recent call last):" in said
    assert "in load_cell" in said
