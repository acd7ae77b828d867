"""Brokers that come and go: three of them, one after the other in trouble, and one alone that is away for minutes."""

from __future__ import annotations

import pytest

from tests.chaos.faults import BROKER_GONE_SECONDS
from tests.chaos.run import WORKERS, Run, Story

REQUESTS = 15_000
CPU_SHARE_MAX = 0.2
"""Of a core, for each worker."""
LINES_A_SECOND_MAX = 10
FAULTS = ["leaders_move", "broker_kill", "broker_away", "broker_pause", "roll", "kill", "zombie"]


@pytest.mark.chaos
@pytest.mark.timeout(1500)
async def test_three_brokers_of_which_one_is_always_in_trouble_lose_and_double_nothing() -> None:
    run = await Run.of(Story(seed=8, requests=REQUESTS, per_second=200, faults=FAULTS, brokers=3))
    print("\n".join(run.lines()))
    assert run.verdict.faults == {}
    assert run.verdict.decisions >= REQUESTS
    assert set(run.done) >= set(FAULTS)
    for name in ("leaders moved", "aborted decisions", "restored records", "take-overs"):
        assert run.sometimes[name] > 0, f"no {name}: the run proves less than it seems to"


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_a_broker_that_is_away_for_minutes_is_waited_for_without_a_spin() -> None:
    run = await Run.of(Story(seed=9, requests=REQUESTS, per_second=600, faults=["broker_gone"], once=True))
    print("\n".join(run.lines()))
    assert run.verdict.faults == {}
    assert run.verdict.decisions >= REQUESTS
    spent = run.without_broker
    print(f"  without a broker: {spent}")
    assert spent.seconds >= BROKER_GONE_SECONDS
    assert spent.cpu_seconds < CPU_SHARE_MAX * WORKERS * spent.seconds
    assert spent.log_lines < LINES_A_SECOND_MAX * WORKERS * spent.seconds
