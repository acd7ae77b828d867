"""The batch at hand: the lane's tables, the clock, and what is to be sent when it is committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from app.core.retention import Retention
from app.lane_job import Emit
from schemas.events import RefundAlert
from schemas.times import SpendDay, to_micros
from schemas.topics import REFUND_ALERT, REFUND_DECISION
from tables.lane_tables import LaneTables

__all__ = ["ALERT_TOPIC", "DECISION_TOPIC", "Batch", "Rules", "dump_json"]

DECISION_TOPIC: Final = REFUND_DECISION.name
ALERT_TOPIC: Final = REFUND_ALERT.name
MILLISECOND: Final = timedelta(milliseconds=1)
DEFAULT_RETENTION: Final = Retention()


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may set about the processing of a lane."""

    hold: timedelta = timedelta(minutes=10)
    """How long a request waits for its order's logistics (domain [13]); zero = not at all."""
    retention: Retention = DEFAULT_RETENTION
    """When cells are forgotten."""


@dataclass(slots=True)
class Batch:
    """One call of the processor."""

    lane: int
    at: datetime
    """The decision clock of everything in this batch."""
    tables: LaneTables
    rules: Rules
    partition_of: Callable[[str], int]
    emits: list[Emit] = field(default_factory=list)
    tally: Counter[tuple[str, ...]] = field(default_factory=Counter)
    decision_ages: list[timedelta] = field(default_factory=list)
    """From the buyer's application to the decision, of each decision."""
    micros: int = field(init=False)
    """`at`, in microseconds since the epoch."""
    day: SpendDay = field(init=False)
    """The civil day of `at`: the day whose budget this batch spends (domain [6])."""

    def __post_init__(self) -> None:
        self.micros = to_micros(self.at)
        self.day = SpendDay.of(self.at)

    def samples(self) -> dict[str, list[int]]:
        """What was measured, for the metrics: milliseconds by name."""
        ages = self.decision_ages
        return {"applied_to_decided_seconds": [age // MILLISECOND for age in ages]} if ages else {}

    def count(self, *name: str) -> None:
        """Count one, for the metrics."""
        self.tally[name] += 1

    def alert(self, alert: RefundAlert, *, partition: int | None = None) -> None:
        """Send an alert."""
        self.count("alerts", alert.kind)
        key = alert.strategy_id or alert.shop_id
        value = dump_json(alert.model_dump(mode="json", exclude_none=True))
        self.emits.append(Emit(ALERT_TOPIC, key.encode(), value, partition))


def dump_json(value: Any) -> bytes:
    """JSON bytes. Integers beyond 64 bits, which orjson refuses, are written as text: they stand in traces only."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_narrow(value))


def _narrow(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrow(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_narrow(one) for one in value]
    return str(value) if type(value) is int and not -(2**63) <= value < 2**63 else value
