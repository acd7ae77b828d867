"""A short chaos: every fault at least once, over a few minutes. `python -m tests.chaos` is the long one."""

from __future__ import annotations

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.run import Run, Story

REQUESTS = 60_000
MUST_HAPPEN = ("aborted decisions", "fenced", "restored records", "taken over in mid-batch")


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_nothing_is_lost_and_nothing_done_twice_whatever_is_killed_paused_or_moved() -> None:
    run = await Run.of(Story(seed=7, requests=REQUESTS, per_second=900, faults=FAULTS))
    print("\n".join(run.lines()))
    assert run.verdict.faults == {}
    assert run.verdict.decisions >= REQUESTS
    assert set(run.done) >= set(FAULTS)
    for name in MUST_HAPPEN:
        assert run.sometimes[name] > 0, f"no {name}: the run proves less than it seems to"
