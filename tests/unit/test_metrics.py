"""Metrics: the tally of a batch becomes counters, and nothing is measured outside the catalogue."""

from __future__ import annotations

from collections import Counter
from time import time

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.samples import Sample

from app.metrics import (
    CATALOGUE,
    PROCESS,
    TALLIES,
    TOP_STRATEGIES_MAX,
    AuditMetrics,
    Kind,
    Metrics,
    TopStrategy,
    TransactionEnd,
)
from schemas.vocabulary import Outcome, Reason


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(series, labels)


def samples(metrics: Metrics, name: str) -> list[Sample]:
    return [one for family in metrics.registry.collect() for one in family.samples if one.name == name]


def test_tallies_of_several_batches_add_up() -> None:
    metrics = Metrics()
    metrics.add(Counter({("requests",): 3, ("decisions", "auto_approve", "approved"): 2, ("approved_fen",): 1990}))
    metrics.add(Counter({("requests",): 1, ("decisions", "manual_review", "halted"): 1}))
    assert value(metrics, "autorefund_requests_total") == 4
    assert value(metrics, "autorefund_decisions_total", outcome="auto_approve", reason="approved") == 2
    assert value(metrics, "autorefund_decisions_total", outcome="manual_review", reason="halted") == 1
    assert value(metrics, "autorefund_approved_fen_total") == 1990


def test_enum_members_are_labels_by_their_value() -> None:
    metrics = Metrics()
    metrics.add({("decisions", Outcome.AUTO_APPROVE, Reason.APPROVED): 1})
    assert value(metrics, "autorefund_decisions_total", outcome="auto_approve", reason="approved") == 1


@pytest.mark.parametrize("words", [("nonsense",), ("decisions", "auto_approve"), ("requests", "extra"), ()])
def test_a_tally_outside_the_catalogue_is_counted_and_logged_once(
    words: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    metrics.add({words: 2})
    metrics.add({words: 1})
    assert value(metrics, "autorefund_unknown_tallies_total", name=words[0] if words else "") == 3
    assert len(caplog.records) == 1


def test_samples_without_a_metric_are_counted_as_strangers() -> None:
    metrics = Metrics()
    metrics.add({}, {"nonsense_seconds": [1, 2, 3]})
    assert value(metrics, "autorefund_unknown_tallies_total", name="nonsense_seconds") == 3


def test_only_committed_transactions_have_a_duration_and_a_size() -> None:
    metrics = Metrics()
    for end in TransactionEnd:
        metrics.transaction(3, end, seconds=0.02, ages={"control": [5] * 40, "refund-result": [7] * 60})
    assert value(metrics, "autorefund_transactions_total", lane="3", end="fenced") == 1
    assert value(metrics, "autorefund_transaction_seconds_count") == 1
    assert value(metrics, "autorefund_batch_records_sum") == 100


def test_what_alerts_count_is_shown_as_nothing_before_it_happens() -> None:
    """Prometheus sees no increase in a series that begins with its first event."""
    metrics = Metrics()
    assert value(metrics, "autorefund_dead_letters_total", topic="control", fault="not_json") == 0
    assert value(metrics, "autorefund_alerts_total", kind="cap_reached") == 0
    assert value(metrics, "autorefund_decisions_total", outcome="auto_approve", reason="approved") == 0
    assert value(metrics, "autorefund_decisions_total", outcome="manual_review", reason="approved") is None
    metrics.transaction(7, TransactionEnd.COMMITTED)
    assert value(metrics, "autorefund_transactions_total", lane="7", end="fenced") == 0
    assert value(metrics, "autorefund_produced_to_committed_seconds_count", topic="after-sale-request") == 0


def test_zeros_have_a_value_for_each_label() -> None:
    assert all(len(values) == len(one.labels) for one in CATALOGUE for values in one.zeros)
    assert all(one.kind is not Kind.GAUGE for one in CATALOGUE if one.zeros)


def test_durations_of_a_batch_are_shown_as_if_each_was_observed() -> None:
    durations = [0, 10, 11, 49, 50, 51, 249, 250, 999, 1000, 7_200_000, 12]
    metric = next(one for one in CATALOGUE if one.name == "autorefund_produced_to_committed_seconds")
    registry = CollectorRegistry()
    one_by_one = Histogram(metric.name, "", metric.labels, buckets=metric.buckets, registry=registry)
    metrics = Metrics()
    for batch in (durations[:5], durations[5:], []):
        metrics.transaction(0, TransactionEnd.COMMITTED, ages={"control": list(batch)})
        for each in batch:
            one_by_one.labels("control").observe(each / 1000)
    bounds = [*map(str, map(float, metric.buckets)), "+Inf"]
    for bound in bounds:
        labels = {"topic": "control", "le": bound}
        expected = registry.get_sample_value(f"{metric.name}_bucket", labels)
        assert value(metrics, f"{metric.name}_bucket", **labels) == expected, bound
    for name in (f"{metric.name}_count", f"{metric.name}_sum"):
        assert value(metrics, name, topic="control") == registry.get_sample_value(name, {"topic": "control"})


def test_a_time_before_its_cause_counts_as_none_at_all() -> None:
    metrics = Metrics()
    metrics.add({}, {"applied_to_decided_seconds": [-3000, 20]})
    name = "autorefund_applied_to_decided_seconds"
    assert value(metrics, f"{name}_bucket", le="0.01") == 1
    assert value(metrics, f"{name}_sum") == 0.02


def test_a_histogram_without_labels_is_there_before_its_first_value() -> None:
    assert value(Metrics(), "autorefund_applied_to_decided_seconds_count") == 0


def test_a_lost_lane_shows_no_lag() -> None:
    metrics = Metrics()
    metrics.look("lane_lag_records", 500, 1)
    assert value(metrics, "autorefund_lane_lag_records", lane="1") == 500
    metrics.lane_lost(1)
    metrics.lane_lost(2)
    assert value(metrics, "autorefund_lane_lag_records", lane="1") is None


def test_only_the_top_strategies_are_shown_by_name_and_earlier_ones_are_gone() -> None:
    metrics, name = Metrics(), "autorefund_top_strategy_consumption_ratio"
    metrics.top([TopStrategy(number / 100, "shop", f"s-{number}") for number in range(100)])
    shown = [sample.labels["strategy"] for sample in samples(metrics, name)]
    assert sorted(shown) == sorted(f"s-{number}" for number in range(100 - TOP_STRATEGIES_MAX, 100))
    metrics.top([TopStrategy(0.5, "other", "s")])
    assert [(sample.labels, sample.value) for sample in samples(metrics, name)] == [
        ({"shop": "other", "strategy": "s"}, 0.5)
    ]


def test_before_an_audit_has_ended_nothing_says_that_there_are_no_faults() -> None:
    metrics = AuditMetrics()
    assert metrics.exposition() == b""
    for faults in (2, 0):
        metrics.found(faults=faults, decisions=1000)
        shown = {metric.name: metric.samples[0].value for metric in metrics.registry.collect()}
        assert shown["autorefund_audit_faults"] == faults
        assert shown["autorefund_audit_decisions"] == 1000
        assert time() - shown["autorefund_audit_finished_timestamp_seconds"] < 60


def test_the_processes_own_metrics_that_rules_use_are_there() -> None:
    text = Metrics().exposition().decode()
    assert all(f"\n{name} " in text for name in PROCESS)


def test_a_take_over_is_measured() -> None:
    metrics = Metrics()
    metrics.restored(records=1000, seconds=0.4)
    assert value(metrics, "autorefund_restored_records_total") == 1000
    assert value(metrics, "autorefund_restore_seconds_count") == 1


def test_names_are_ours_and_differ_and_every_metric_is_explained() -> None:
    names = [one.name for one in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(name.startswith("autorefund_") and not name.endswith("_total") for name in names)
    assert all(one.help.endswith(".") for one in CATALOGUE)


def test_labels_are_few_and_closed() -> None:
    """A label with a shop, a buyer or a strategy in it would make a series for each of them."""
    closed = {"outcome", "reason", "status", "kind", "topic", "fault", "why", "table", "end", "state", "consumption"}
    of_the_build = {"version", "python", "faust", "store", "name"}
    bounded = {"lane"}
    by_name = {"shop", "strategy"}
    assert {label for one in CATALOGUE for label in one.labels} == closed | of_the_build | bounded | by_name
    assert {one.name for one in CATALOGUE if by_name & set(one.labels)} == {"autorefund_top_strategy_consumption_ratio"}
    assert set(TALLIES) == {one.name.removeprefix("autorefund_") for one in TALLIES.values()}
