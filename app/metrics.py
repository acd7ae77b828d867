"""The catalogue of metrics: every metric this service has, its labels, and what it says. Nothing is measured elsewhere.

Counters of the work come from `Effects.tally`, added once a batch is committed: they count decisions that were made,
never attempts. All is fed by the batch, so a metric costs nothing per record. Made for one event loop: no locks of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

__all__ = ["CATALOGUE", "TALLIES", "Kind", "Metric", "Metrics", "TransactionEnd"]

log = logging.getLogger(__name__)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody reads


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


_SECONDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_RECORDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)

_TALLIED: Final = (
    Metric("autorefund_requests", Kind.COUNTER, "After-sale requests read, whatever their status."),
    Metric("autorefund_decisions", Kind.COUNTER, "Decisions made, by their deciding reason.", ("outcome", "reason")),
    Metric("autorefund_approved_fen", Kind.COUNTER, "Money approved automatically, in fen."),
    Metric("autorefund_duplicates", Kind.COUNTER, "Requests seen before: same id, version and body."),
    Metric("autorefund_conflicts", Kind.COUNTER, "Requests seen before with another body; each is alerted."),
    Metric("autorefund_holds_started", Kind.COUNTER, "Requests that wait for their order's logistics."),
    Metric("autorefund_results", Kind.COUNTER, "Results of refunds that counted.", ("status",)),
    Metric("autorefund_alerts", Kind.COUNTER, "Alerts raised.", ("kind",)),
    Metric("autorefund_dead_letters", Kind.COUNTER, "Records that could not be read.", ("topic",)),
    Metric("autorefund_forwarded", Kind.COUNTER, "Records sent on to their shop's partition.", ("topic",)),
    Metric("autorefund_expired", Kind.COUNTER, "Cells forgotten, as no rule can ask for them any more.", ("table",)),
    Metric("autorefund_ignored", Kind.COUNTER, "Records that changed nothing.", ("topic", "why")),
)
_LANES: Final = (
    Metric("autorefund_transactions", Kind.COUNTER, "Transactions, by how they ended.", ("lane", "end")),
    Metric("autorefund_transaction_seconds", Kind.HISTOGRAM, "Duration of a committed transaction.", (), _SECONDS),
    Metric("autorefund_batch_records", Kind.HISTOGRAM, "Records in one transaction.", (), _RECORDS),
    Metric("autorefund_lane_lag_records", Kind.GAUGE, "Records in Kafka that the lane has not committed.", ("lane",)),
    Metric("autorefund_restored_records", Kind.COUNTER, "Changelog records read at take-overs."),
    Metric(
        "autorefund_restore_seconds",
        Kind.HISTOGRAM,
        "From assignment to ready.",
        (),
        (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300),
    ),
    Metric("autorefund_ready", Kind.GAUGE, "1 while all lanes of this worker are restored and move."),
    Metric("autorefund_unknown_tallies", Kind.COUNTER, "Counts without a metric: a fault in the code.", ("name",)),
)
CATALOGUE: Final = (*_TALLIED, *_LANES)
"""Every metric there is."""

TALLIES: Final[Mapping[str, Metric]] = {one.name.removeprefix("autorefund_"): one for one in _TALLIED}
"""The first word of a tally -> its metric; the words after it are the label values."""


class Metrics:
    """One registry with the whole catalogue in it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {m.name: Counter(m.name, m.help, m.labels, registry=self.registry) for m in _of(Kind.COUNTER)}
        self._gauges = {m.name: Gauge(m.name, m.help, m.labels, registry=self.registry) for m in _of(Kind.GAUGE)}
        self._histograms = {
            m.name: Histogram(m.name, m.help, m.labels, registry=self.registry, buckets=m.buckets)
            for m in _of(Kind.HISTOGRAM)
        }
        self._children: dict[tuple[str, ...], Counter] = {}
        self._strangers: set[tuple[str, ...]] = set()

    def add(self, tally: Mapping[tuple[str, ...], int]) -> None:
        """Add the counts of one committed batch. An unknown one is counted as such and logged once: no reason to stop."""
        for words, number in tally.items():
            child = self._children.get(words) or self._child(words)
            child.inc(number)

    def transaction(self, lane: int, end: TransactionEnd, *, seconds: float, records: int) -> None:
        """A lane's transaction ended. Duration and size are kept of committed ones only."""
        self._counters["autorefund_transactions"].labels(lane, end.value).inc()
        if end is TransactionEnd.COMMITTED:
            self._histograms["autorefund_transaction_seconds"].observe(seconds)
            self._histograms["autorefund_batch_records"].observe(records)

    def lag(self, lane: int, records: int) -> None:
        """How many records the lane has before it."""
        self._gauges["autorefund_lane_lag_records"].labels(lane).set(records)

    def lane_lost(self, lane: int) -> None:
        """The lane is another worker's now: its gauges would be stale here."""
        with suppress(KeyError):  # it never had a lag
            self._gauges["autorefund_lane_lag_records"].remove(lane)

    def restored(self, *, records: int, seconds: float) -> None:
        """A take-over is done."""
        self._counters["autorefund_restored_records"].inc(records)
        self._histograms["autorefund_restore_seconds"].observe(seconds)

    def ready(self, is_ready: bool) -> None:
        """What /readyz answered last."""
        self._gauges["autorefund_ready"].set(is_ready)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _child(self, words: tuple[str, ...]) -> Counter:
        metric = TALLIES.get(words[0]) if words else None
        if metric is None or len(words) != 1 + len(metric.labels):
            if words not in self._strangers:
                self._strangers.add(words)
                log.error("the tally %s has no metric", words)
            return self._counters["autorefund_unknown_tallies"].labels(words[0] if words else "")
        counter = self._counters[metric.name]
        child = counter.labels(*words[1:]) if metric.labels else counter
        self._children[words] = child
        return child


def _of(kind: Kind) -> list[Metric]:
    return [one for one in CATALOGUE if one.kind is kind]
