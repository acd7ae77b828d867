"""A histogram that is fed whole batches: sorted once, a batch costs a few comparisons a bucket instead of some a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from prometheus_client import Metric as Family
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from app.metrics.catalogue import Metric

__all__ = ["BatchHistogram"]


class BatchHistogram(Collector):
    """Durations, by at most one label. Given in milliseconds, shown in seconds."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._bounds = [round(bound * 1000) for bound in metric.buckets]
        self._counts: dict[str, list[int]] = {}
        """By label: how many values are at most each bound, then how many there are."""
        self._sums: dict[str, int] = {}
        for values in metric.zeros if metric.labels else [("",)]:
            self._begin(*values)

    def add(self, milliseconds: list[int], label: str = "") -> None:
        """Count the values; the list is sorted in place. A negative one (clocks differ) counts as 0."""
        if label not in self._counts:
            self._begin(label)
        milliseconds.sort()  # nearly in order as it comes, which makes it quick
        counts, number = self._counts[label], len(milliseconds)
        reached = 0
        for index, bound in enumerate(self._bounds):
            if reached < number:
                reached = bisect_right(milliseconds, bound, reached)
            counts[index] += reached
        counts[-1] += number
        self._sums[label] += (
            sum(milliseconds) if milliseconds and milliseconds[0] >= 0 else sum(map(_whole, milliseconds))
        )

    def collect(self) -> Iterator[Family]:
        """For the registry."""
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=self._metric.labels)
        names = [*(_name(bound) for bound in self._metric.buckets), "+Inf"]
        for label, counts in self._counts.items():
            labels = [label] if self._metric.labels else []
            family.add_metric(labels, list(zip(names, counts, strict=True)), self._sums[label] / 1000)
        yield family

    def _begin(self, label: str) -> None:
        self._counts[label] = [0] * (len(self._bounds) + 1)
        self._sums[label] = 0


def _whole(value: int) -> int:
    return max(0, value)


def _name(bound: float) -> str:
    return str(float(bound))
