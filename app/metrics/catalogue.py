"""The catalogue of metrics: every metric this service has, its labels, and what it says. Nothing is measured elsewhere.

Counters of the work come from `Effects.tally`, durations from `Effects.samples`, both once a batch is committed: they
count what was done, never attempts. Gauges are looked up now and then. Names follow Prometheus: base units, the unit last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

from schemas.errors import Fault
from schemas.topics import INPUTS
from schemas.vocabulary import AlertKind, Outcome, Reason, ResultStatus

__all__ = ["CATALOGUE", "PROCESS", "SAMPLES", "TALLIES", "TOP_STRATEGIES_MAX", "Kind", "Metric", "TransactionEnd"]

TOP_STRATEGIES_MAX: Final = 20
"""Strategies that a worker shows by name: those that used most of their day's budget. The only labels that name a shop."""


class Kind(StrEnum):
    """What a metric is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class TransactionEnd(StrEnum):
    """How a lane's transaction ended."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue. A counter's name is shown with `_total` behind it."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    zeros: tuple[tuple[str, ...], ...] = ()
    """Label values that are shown as 0 from the start: Prometheus sees no increase in a series that begins with its first
    event, so the first burst after a start would pass unseen."""


def _each(*words: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Every combination."""
    return tuple(tuple(str(word) for word in one) for one in product(*words))


_INPUTS: Final = tuple(topic.name for topic in INPUTS)
_DECIDED: Final = (
    (Outcome.AUTO_APPROVE.value, Reason.APPROVED.value),
    *_each([Outcome.MANUAL_REVIEW], [reason for reason in Reason if reason is not Reason.APPROVED]),
)
_TRANSACTION: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_LATENCY: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 900, 3600)
_RESTORE: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300)
_RECORDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)

_TALLIED: Final = (
    Metric("autorefund_requests", Kind.COUNTER, "After-sale requests read, whatever their status."),
    Metric(
        "autorefund_decisions",
        Kind.COUNTER,
        "Decisions made, by their deciding reason.",
        ("outcome", "reason"),
        zeros=_DECIDED,
    ),
    Metric("autorefund_approved_fen", Kind.COUNTER, "Money approved automatically, and so reserved, in fen."),
    Metric("autorefund_executed_fen", Kind.COUNTER, "Money paid out, as results of refunds say, in fen."),
    Metric("autorefund_released_fen", Kind.COUNTER, "Money reserved and not paid out, as results say, in fen."),
    Metric("autorefund_duplicates", Kind.COUNTER, "Requests seen before: same id, version and body."),
    Metric("autorefund_conflicts", Kind.COUNTER, "Requests seen before with another body; each is alerted."),
    Metric("autorefund_holds_started", Kind.COUNTER, "Requests that wait for their order's logistics."),
    Metric(
        "autorefund_results", Kind.COUNTER, "Results of refunds that counted.", ("status",), zeros=_each(ResultStatus)
    ),
    Metric("autorefund_alerts", Kind.COUNTER, "Alerts raised.", ("kind",), zeros=_each(AlertKind)),
    Metric(
        "autorefund_dead_letters",
        Kind.COUNTER,
        "Records that could not be read.",
        ("topic", "fault"),
        zeros=_each(_INPUTS, Fault),
    ),
    Metric(
        "autorefund_forwarded",
        Kind.COUNTER,
        "Records sent on to their shop's partition.",
        ("topic",),
        zeros=_each(_INPUTS),
    ),
    Metric("autorefund_expired", Kind.COUNTER, "Cells forgotten, as no rule can ask for them any more.", ("table",)),
    Metric("autorefund_ignored", Kind.COUNTER, "Records that changed nothing.", ("topic", "why")),
)
_SAMPLED: Final = (
    Metric(
        "autorefund_applied_to_decided_seconds",
        Kind.HISTOGRAM,
        "From a buyer's application to its decision; the way here and the wait for logistics are in it.",
        (),
        _LATENCY,
    ),
)
_LANES: Final = (
    Metric(
        "autorefund_produced_to_committed_seconds",
        Kind.HISTOGRAM,
        "From a record's timestamp in Kafka to the commit of what came of it.",
        ("topic",),
        _LATENCY,
        zeros=_each(_INPUTS),
    ),
    Metric("autorefund_transactions", Kind.COUNTER, "Transactions, by how they ended.", ("lane", "end")),
    Metric("autorefund_transaction_seconds", Kind.HISTOGRAM, "Duration of a committed transaction.", (), _TRANSACTION),
    Metric("autorefund_batch_records", Kind.HISTOGRAM, "Records in one transaction.", (), _RECORDS),
    Metric("autorefund_lane_lag_records", Kind.GAUGE, "Records in Kafka that the lane has not committed.", ("lane",)),
    Metric("autorefund_lane_lag_seconds", Kind.GAUGE, "Age of the oldest record it has not committed.", ("lane",)),
    Metric("autorefund_lane_still_seconds", Kind.GAUGE, "Time it had work and did not commit.", ("lane",)),
    Metric("autorefund_lanes", Kind.GAUGE, "Lanes of this worker, by where they are in their life.", ("state",)),
    Metric("autorefund_partitions", Kind.GAUGE, "Partitions of every topic: the lanes of all workers together."),
    Metric("autorefund_restored_records", Kind.COUNTER, "Changelog records read at take-overs."),
    Metric("autorefund_restore_seconds", Kind.HISTOGRAM, "From assignment to ready.", (), _RESTORE),
    Metric("autorefund_restore_done_records", Kind.GAUGE, "Of the restore under way: read so far. 0 = none is."),
    Metric("autorefund_restore_wanted_records", Kind.GAUGE, "Of the restore under way: to read in all. 0 = none is."),
    Metric("autorefund_ready", Kind.GAUGE, "1 while all lanes of this worker are restored and move."),
    Metric("autorefund_build_info", Kind.GAUGE, "Always 1: what runs.", ("version", "python", "faust", "store")),
    Metric("autorefund_unknown_tallies", Kind.COUNTER, "Counts without a metric: a fault in the code.", ("name",)),
)
_LOOKED_UP: Final = (
    Metric("autorefund_table_cells", Kind.GAUGE, "Cells of a table, over this worker's lanes.", ("table",)),
    Metric("autorefund_holds", Kind.GAUGE, "Requests that wait for their order's logistics now."),
    Metric("autorefund_holds_oldest_seconds", Kind.GAUGE, "How long the oldest of them has waited; 0 = none waits."),
    Metric("autorefund_halted_global", Kind.GAUGE, "1 while the kill switch stops every approval."),
    Metric("autorefund_halted_shops", Kind.GAUGE, "Shops whose kill switch is on."),
    Metric("autorefund_day_executed_fen", Kind.GAUGE, "Paid out of today's budgets so far, in fen."),
    Metric("autorefund_day_reserved_fen", Kind.GAUGE, "Approved today, and without a result, in fen."),
    Metric("autorefund_day_strategies", Kind.GAUGE, "Strategies that spent today, by consumption.", ("consumption",)),
    Metric(
        "autorefund_top_strategy_consumption_ratio",
        Kind.GAUGE,
        f"Used of the day's budget, 1 = all: the {TOP_STRATEGIES_MAX} highest of this worker.",
        ("shop", "strategy"),
    ),
    Metric("autorefund_look_seconds", Kind.GAUGE, "How long the last look through the tables took, rests included."),
)
_AUDIT: Final = (
    Metric("autorefund_audit_faults", Kind.GAUGE, "Differences that the last audit found."),
    Metric("autorefund_audit_decisions", Kind.GAUGE, "Decisions that the last audit read."),
    Metric("autorefund_audit_finished_timestamp_seconds", Kind.GAUGE, "When the last audit ended."),
)
AUDIT: Final = tuple(one.name for one in _AUDIT)
"""Shown by `audit --every`, not by workers."""
CATALOGUE: Final = (*_TALLIED, *_SAMPLED, *_LANES, *_LOOKED_UP, *_AUDIT)
"""Every metric there is."""
PROCESS: Final = ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds")
"""What rules and dashboards may use of the process's own metrics, which prometheus-client makes."""

TALLIES: Final[Mapping[str, Metric]] = {one.name.removeprefix("autorefund_"): one for one in _TALLIED}
"""The first word of a tally -> its metric; the words after it are the label values."""
SAMPLES: Final[Mapping[str, Metric]] = {one.name.removeprefix("autorefund_"): one for one in _SAMPLED}
"""The name of samples -> their metric."""
