"""Looks up the gauges: what the lanes are at, how far behind, and what their tables hold. Never in a record's way.

Three kinds of looks, each as often as its worker calls it: `look` (at hand), `ask` (needs the broker), and `walk` (through
the tables, a small step at a time, so that it takes at most one percent of the time however large they are).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from time import monotonic, perf_counter
from typing import Final

from aiokafka.errors import KafkaError

from app.census import Census, census
from app.exactly_once.lanes import Lanes
from app.exactly_once.layer import LaneState, LaneStatus
from app.metrics import TOP_STRATEGIES_MAX, Metrics
from app.progress import Progress
from schemas.times import SpendDay
from schemas.topics import TABLES
from tables import controls, holds
from tables.controls import Controls

__all__ = ["Lookout"]

log = logging.getLogger(__name__)

WALK_SECONDS_MAX: Final = 0.002
"""How long one step through the tables may hold up the lanes."""
WALK_SHARE_MAX: Final = 0.01
"""Of the time."""
WALK_REST_SECONDS: Final = 3.0
"""Between two walks."""


class Lookout:
    """Everything it finds goes into `metrics`. `hold`: how long a request waits for logistics."""

    def __init__(self, lanes: Lanes, metrics: Metrics, *, hold: timedelta) -> None:
        self._lanes = lanes
        self._metrics = metrics
        self._hold = hold
        self._walking: Generator[None, None, Census] | None = None
        self._walked: object = None
        self._walk_began = 0.0
        self._progress: Progress | None = None
        metrics.look("partitions", lanes.settings.partitions)

    def look(self) -> None:
        """What is at hand."""
        found = self._lanes.status()
        for state in LaneState:
            self._metrics.look("lanes", sum(lane.state is state for lane in found), state.value)
        for lane in found:
            if lane.state is not LaneState.TAKING_OVER:
                self._metrics.look("lane_still_seconds", lane.still_for_seconds, lane.partition)
        self._look_at_restore([lane for lane in found if lane.state is LaneState.TAKING_OVER])
        self._look_at_tables()

    async def ask(self) -> None:
        """What the broker has to be asked for. A broker that does not answer leaves the gauges as they are."""
        try:
            lags = await self._lanes.lag()
        except (KafkaError, TimeoutError) as error:
            log.warning("the lag cannot be looked up: %r", error)
            return
        for partition, lag in lags.items():
            if partition in self._lanes.open_lanes:  # it may have been lost meanwhile
                self._metrics.look("lane_lag_records", lag.records, partition)
                self._metrics.look("lane_lag_seconds", lag.seconds, partition)

    def walk(self) -> float:
        """One step through the tables; returns the seconds until the next one is due."""
        lanes = self._lanes.open_lanes
        if self._walking is None or self._walked is not lanes:  # stores of lanes that were lost are closed
            self._walked, self._walk_began = lanes, monotonic()
            stores = {partition: lane.stores for partition, lane in lanes.items()}
            self._walking = census(stores, SpendDay.of(datetime.now(UTC)), TOP_STRATEGIES_MAX)
        until = perf_counter() + WALK_SECONDS_MAX
        try:
            while perf_counter() < until:
                next(self._walking)
        except StopIteration as end:
            self._walking = None
            self._tell(end.value)
            return WALK_REST_SECONDS
        return WALK_SECONDS_MAX / WALK_SHARE_MAX

    def _tell(self, found: Census) -> None:
        look = self._metrics.look
        look("day_executed_fen", found.executed_fen)
        look("day_reserved_fen", found.reserved_fen)
        look("halted_shops", found.halted_shops)
        for consumption, number in found.strategies.items():
            look("day_strategies", number, consumption.value)
        look("look_seconds", monotonic() - self._walk_began)
        self._metrics.top(found.top)

    def _look_at_tables(self) -> None:
        lanes = list(self._lanes.open_lanes.values())
        for table in TABLES:
            self._metrics.look("table_cells", sum(len(lane.stores[table]) for lane in lanes), table)
        self._metrics.look("holds", sum(len(lane.stores[holds.NAME]) for lane in lanes))
        halted = any(Controls(lane.stores[controls.NAME]).is_halted(None) for lane in lanes[:1])
        self._metrics.look("halted_global", halted)
        dues = [due for lane in lanes if (due := lane.next_due) is not None]
        waited = (datetime.now(UTC) - (min(dues) - self._hold)).total_seconds() if dues else 0.0
        self._metrics.look("holds_oldest_seconds", max(0.0, waited))

    def _look_at_restore(self, restoring: list[LaneStatus]) -> None:
        done = sum(lane.restored_records for lane in restoring)
        wanted = sum(lane.restore_records_total or 0 for lane in restoring)
        self._metrics.look("restore_done_records", done)
        self._metrics.look("restore_wanted_records", wanted)
        if wanted and self._progress is None:
            self._progress = Progress("restore", wanted, stream=sys.stderr, say=log.info)
        if self._progress is not None:
            if wanted:
                self._progress.to(done, wanted)
            else:
                self._progress.end()
                self._progress = None
