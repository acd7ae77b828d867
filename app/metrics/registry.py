"""The registry: the catalogue's metrics with their values. Fed by the batch, so a metric costs next to nothing a record.

Made for one event loop: no locks of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import time
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from app.metrics.catalogue import AUDIT, CATALOGUE, SAMPLES, TALLIES, TOP_STRATEGIES_MAX, Kind, Metric, TransactionEnd
from app.metrics.histogram import BatchHistogram

__all__ = ["AuditMetrics", "Metrics", "TopStrategy"]

log = logging.getLogger(__name__)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody reads

PREFIX: Final = "autorefund_"
AGES: Final = "autorefund_produced_to_committed_seconds"
TOP: Final = "autorefund_top_strategy_consumption_ratio"
OF_LANE: Final = ("lane_lag_records", "lane_lag_seconds", "lane_still_seconds")


@dataclass(frozen=True, slots=True, order=True)
class TopStrategy:
    """How much of its day's budget a strategy has used; 1 = all."""

    ratio: float
    shop_id: str
    strategy_id: str


class Metrics:
    """One registry with the whole catalogue in it, but for what audits find."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters = {m.name: Counter(m.name, m.help, m.labels, registry=self.registry) for m in _of(Kind.COUNTER)}
        self._gauges = {m.name: Gauge(m.name, m.help, m.labels, registry=self.registry) for m in _of(Kind.GAUGE)}
        batched = {*(metric.name for metric in SAMPLES.values()), AGES}
        self._batched = {m.name: BatchHistogram(m) for m in _of(Kind.HISTOGRAM) if m.name in batched}
        for histogram in self._batched.values():
            self.registry.register(histogram)
        self._histograms = {
            m.name: Histogram(m.name, m.help, m.labels, registry=self.registry, buckets=m.buckets)
            for m in _of(Kind.HISTOGRAM)
            if m.name not in batched
        }
        for metric in _of(Kind.COUNTER):
            for values in metric.zeros:
                self._counters[metric.name].labels(*values)
        self._children: dict[tuple[str, ...], Counter] = {}
        self._strangers: set[tuple[str, ...]] = set()

    # what a committed batch brings

    def add(self, tally: Mapping[tuple[str, ...], int], samples: Mapping[str, list[int]] | None = None) -> None:
        """Add the counts and durations of one committed batch. What has no metric is counted as such and logged once."""
        for words, number in tally.items():
            child = self._children.get(words) or self._child(words)
            child.inc(number)
        for name, milliseconds in (samples or {}).items():
            if name in SAMPLES:
                self._batched[PREFIX + name].add(milliseconds)
            else:
                self._stranger((name,)).inc(len(milliseconds))

    def transaction(
        self, lane: int, end: TransactionEnd, *, seconds: float = 0, ages: Mapping[str, list[int]] | None = None
    ) -> None:
        """A lane's transaction ended. Duration, size and ages (milliseconds by topic) are of committed ones only."""
        counters = {one: self._counters["autorefund_transactions"].labels(lane, one.value) for one in TransactionEnd}
        counters[end].inc()  # the others are shown as 0: see `Metric.zeros`
        if end is not TransactionEnd.COMMITTED:
            return
        ages = ages or {}
        self._histograms["autorefund_transaction_seconds"].observe(seconds)
        self._histograms["autorefund_batch_records"].observe(sum(map(len, ages.values())))
        for topic, milliseconds in ages.items():
            self._batched[AGES].add(milliseconds, topic)

    def restored(self, *, records: int, seconds: float) -> None:
        """A take-over is done."""
        self._counters["autorefund_restored_records"].inc(records)
        self._histograms["autorefund_restore_seconds"].observe(seconds)

    # what is looked up

    def look(self, name: str, value: float, *labels: object) -> None:
        """Set a gauge; `name` without the prefix."""
        gauge = self._gauges[PREFIX + name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def top(self, strategies: Sequence[TopStrategy]) -> None:
        """Show these strategies by name, at most TOP_STRATEGIES_MAX of them, and none of those shown before."""
        self._gauges[TOP].clear()
        for one in sorted(strategies, reverse=True)[:TOP_STRATEGIES_MAX]:
            self._gauges[TOP].labels(one.shop_id, one.strategy_id).set(one.ratio)

    def lane_lost(self, lane: int) -> None:
        """The lane is another worker's now: its gauges would be stale here."""
        for name in OF_LANE:
            with suppress(KeyError):  # it was never looked at
                self._gauges[PREFIX + name].remove(lane)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _child(self, words: tuple[str, ...]) -> Counter:
        metric = TALLIES.get(words[0]) if words else None
        if metric is None or len(words) != 1 + len(metric.labels):
            return self._stranger(words)
        counter = self._counters[metric.name]
        child = counter.labels(*words[1:]) if metric.labels else counter
        self._children[words] = child
        return child

    def _stranger(self, words: tuple[str, ...]) -> Counter:
        if words not in self._strangers:
            self._strangers.add(words)
            log.error("%s has no metric", words)
        return self._counters["autorefund_unknown_tallies"].labels(words[0] if words else "")


class AuditMetrics:
    """What the last audit found; nothing is shown before the first has ended."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: list[Gauge] = []

    def found(self, *, faults: int, decisions: int) -> None:
        """An audit has ended, now."""
        if not self._gauges:
            self._gauges = [Gauge(m.name, m.help, registry=self.registry) for m in CATALOGUE if m.name in AUDIT]
        for gauge, value in zip(self._gauges, (faults, decisions, time()), strict=True):
            gauge.set(value)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def _of(kind: Kind) -> list[Metric]:
    return [one for one in CATALOGUE if one.kind is kind and one.name not in AUDIT]
