"""Metrics: the catalogue (every metric there is) and the registry that holds their values."""

from __future__ import annotations

from app.metrics.catalogue import CATALOGUE, PROCESS, SAMPLES, TALLIES, TOP_STRATEGIES_MAX, Kind, Metric, TransactionEnd
from app.metrics.registry import AuditMetrics, Metrics, TopStrategy

__all__ = [
    "CATALOGUE",
    "PROCESS",
    "SAMPLES",
    "TALLIES",
    "TOP_STRATEGIES_MAX",
    "AuditMetrics",
    "Kind",
    "Metric",
    "Metrics",
    "TopStrategy",
    "TransactionEnd",
]
