"""The lane as a machine: made-up moves in batches that commit, abort and come again, over crashes, against the oracle.

The oracle hears a batch only when it is committed. The ledger checks what must hold without any oracle.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.oracle import Oracle
from tests.property.engines import compared
from tests.property.lane import Driver
from tests.property.ledger import Ledger
from tests.streams import MOVES, SEED_MAX
from tests.streams.scene import STARTS, Scene
from tests.streams.worlds_moves import open_shops

Json = dict[str, Any]
NAMES = sorted(set(MOVES) - {"burst"})
HOLD_AND_MORE = timedelta(minutes=11)


class LaneMachine(RuleBasedStateMachine):
    """`waiting` lines are fetched and not committed; `scene` only makes them up."""

    @initialize(start=st.integers(0, len(STARTS) - 1))
    def begin(self, start: int) -> None:
        self.scene = Scene(STARTS[start])
        self.waiting: list[Json] = []
        self.taken = 0
        self.driver, self.oracle, self.ledger = Driver(), Oracle(), Ledger()
        open_shops(Random(start), self.scene)
        self.fetch()

    def fetch(self) -> None:
        """New lines of the scene wait for their batch; lines that only move the clock carry no record."""
        new, self.taken = self.scene.lines[self.taken :], len(self.scene.lines)
        self.waiting += [line for line in new if "topic" in line]

    @rule(name=st.sampled_from(NAMES), seed=st.integers(0, SEED_MAX))
    def something_happens(self, name: str, seed: int) -> None:
        rng = Random(seed)
        self.scene.step(rng)
        MOVES[name](rng, self.scene)
        self.fetch()

    @rule(seconds=st.sampled_from((0, 1, 60, 600, 3600)))
    def time_passes(self, seconds: int) -> None:
        self.scene.at += timedelta(seconds=seconds)

    @rule()
    def a_batch_is_committed(self) -> None:
        outputs = self.driver.batch(self.waiting, self.scene.at)
        self.check(self.waiting, outputs)
        self.waiting = []

    @rule(part=st.integers(1, 5))
    def some_of_it_is_committed(self, part: int) -> None:
        now, self.waiting = self.waiting[:part], self.waiting[part:]
        self.check(now, self.driver.batch(now, self.scene.at))

    @rule()
    def a_batch_is_aborted(self) -> None:
        self.driver.try_batch(self.waiting, self.scene.at)
        self.driver.abort()

    @rule()
    def the_worker_dies_in_a_batch(self) -> None:
        self.driver.try_batch(self.waiting, self.scene.at)
        self.driver.restart()

    @rule()
    def the_worker_is_restarted(self) -> None:
        self.driver.restart()

    @precondition(lambda self: self.driver.lane.next_due() is not None)
    @rule()
    def the_lane_wakes_when_something_is_due(self) -> None:
        due = self.driver.lane.next_due()
        assert due is not None
        if due <= self.scene.at:
            self.check([], self.driver.batch([], self.scene.at))

    @invariant()
    def holds_are_due_when_the_oracle_says(self) -> None:
        expected = min((hold.due for hold in self.oracle.world.holds), default=None)
        due = self.driver.lane.next_due()
        assert expected is None or (due is not None and due <= expected)

    def teardown(self) -> None:
        if hasattr(self, "driver"):
            self.a_batch_is_committed()
            self.scene.at += HOLD_AND_MORE
            self.a_batch_is_committed()
            self.ledger.settle()

    def check(self, lines: list[Json], outputs: list[Json]) -> None:
        """What became readable is what the oracle says of the same batch."""
        expected = self.oracle.feed_batch(lines, self.scene.at)
        assert sorted(map(compared, outputs)) == sorted(map(compared, expected))
        self.ledger.take(lines, outputs)


LaneMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLane = LaneMachine.TestCase
