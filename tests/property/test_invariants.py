"""What must hold of any stream, oracle or none: the ledger's laws, alert ids, and the same answer to the same question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.oracle.times import instant
from tests.property.engines import ALERT_FIELDS, product
from tests.property.ledger import Ledger
from tests.streams import generate
from tests.streams.records import stamp

Json = dict[str, Any]
SEEDS = range(100, 108)
LINES = 700


def outputs_of(lines: list[Json]) -> list[Json]:
    return [output for came in product(lines) for output in came]


@pytest.mark.parametrize("seed", SEEDS)
def test_caps_items_and_decisions_keep_the_ledger_s_laws(seed: int) -> None:
    lines = generate(seed, LINES)
    lines.append({"at": stamp(instant(lines[-1]["at"]) + timedelta(minutes=11))})
    ledger = Ledger()
    for line, came in zip(lines, product(lines), strict=True):
        ledger.take([line], came)
    ledger.settle()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_replayed_says_the_same_again(seed: int) -> None:
    lines = generate(seed, LINES)
    assert outputs_of(lines) == outputs_of(lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_alert_id_names_one_matter(seed: int) -> None:
    abouts: dict[str, Json] = {}
    for output in outputs_of(generate(seed, LINES)):
        if output["topic"] == "refund-alert":
            alert = output["value"]
            about = {name: alert[name] for name in ALERT_FIELDS if name in alert}
            assert abouts.setdefault(alert["alert_id"], about) == about
