"""Workers of two releases side by side: forward one by one under load, back again, and forward for good."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.integration.outputs import produce
from tests.integration.test_commands import call
from tests.integration.town import PARTITIONS, Town
from tests.integration.traffic import make_traffic
from tests.next_release import VERSION, next_release
from tests.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

REQUESTS = 4000
PER_SECOND = 600
SAY_SECONDS_MAX = 30.0
PRESENT, NEXT = False, True
ROLL = (NEXT, NEXT, PRESENT, PRESENT, NEXT)
"""Which release takes the place of the worker that has been there for longest; the last but one then leaves."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next_release(tmp_path_factory.mktemp("next"))


async def says_its_release(worker: WorkerProcess, *, is_next: bool) -> None:
    """As an operator sees it."""
    until = monotonic() + SAY_SECONDS_MAX
    while not (told := [line for line in worker.get("/metrics")[1].splitlines() if "autorefund_build_info{" in line]):
        assert monotonic() < until
        await asyncio.sleep(0.1)
    assert (f'version="{VERSION}"' in told[0]) == is_next


def firsts(decisions: list[dict[str, Any]]) -> dict[tuple[str, str, str], set[str]]:
    """By shop, strategy and day: what the next release called the first approval that it made of it."""
    found = defaultdict(set)
    for decision in decisions:
        if decision.get("first_of_day"):
            found[decision["shop_id"], decision["strategy_id"], decision["spend_day"]].add(decision["first_of_day"])
    return found


async def test_workers_are_replaced_by_the_next_release_and_back_and_nothing_is_lost_or_twice(
    town: Town, tree: Path
) -> None:
    traffic = make_traffic(31, REQUESTS)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    fleet = [town.worker(hold_seconds="4") for _ in range(2)]
    share = len(traffic.records) // len(ROLL) + 1
    for number, release in enumerate(ROLL):
        some = traffic.records[number * share : (number + 1) * share]
        feeding = asyncio.create_task(produce(town.broker.address, some, PARTITIONS, per_second=PER_SECOND))
        await asyncio.to_thread(fleet.pop(0).terminate)
        fleet.append(await asyncio.to_thread(town.worker, hold_seconds="4", tree=tree if release else None))
        await says_its_release(fleet[-1], is_next=release)
        await feeding
    await asyncio.to_thread(fleet.pop(0).terminate)
    await town.settled(traffic)
    assert [line for worker in town.workers for line in worker.last_words()] == []

    decisions = list((await town.decisions()).values())
    by_next = [decision for decision in decisions if "first_of_day" in decision]
    assert 0 < len(by_next) < len(decisions)
    again = {place: told for place, told in firsts(decisions).items() if len(told) > 1}
    assert again == {}, "what the next release had remembered was lost while the present one had the lane"
    assert [alert for alert in await town.alerts() if alert["kind"] == "request_conflict"] == []
    code, told = await call(town, "audit")
    assert (code, "all agree" in told) == (0, True), told
