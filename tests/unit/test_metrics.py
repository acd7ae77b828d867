"""Metrics: the tally of a batch becomes counters, and nothing is measured outside the catalogue."""

from __future__ import annotations

from collections import Counter

import pytest

from app.metrics import CATALOGUE, TALLIES, Metrics, TransactionEnd
from schemas.vocabulary import Outcome, Reason


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(series, labels)


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


def test_only_committed_transactions_have_a_duration_and_a_size() -> None:
    metrics = Metrics()
    for end in TransactionEnd:
        metrics.transaction(3, end, seconds=0.02, records=100)
    assert value(metrics, "autorefund_transactions_total", lane="3", end="fenced") == 1
    assert value(metrics, "autorefund_transaction_seconds_count") == 1
    assert value(metrics, "autorefund_batch_records_sum") == 100


def test_a_lost_lane_shows_no_lag() -> None:
    metrics = Metrics()
    metrics.lag(1, 500)
    assert value(metrics, "autorefund_lane_lag_records", lane="1") == 500
    metrics.lane_lost(1)
    metrics.lane_lost(2)
    assert value(metrics, "autorefund_lane_lag_records", lane="1") is None


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
    assert {label for one in CATALOGUE for label in one.labels} == {
        "outcome",
        "reason",
        "status",
        "kind",
        "topic",
        "why",
        "lane",
        "end",
        "name",
        "table",
    }
    assert set(TALLIES) == {one.name.removeprefix("autorefund_") for one in TALLIES.values()}
