"""The audit's own books against the tables, over seeded streams; and what they must notice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.ledger import Ledger, Place
from app.processor import Rules
from app.replay import Replay
from schemas.cells import SpendCell, load_cell
from schemas.codec import decode
from schemas.errors import InvalidRecord
from schemas.events import RefundResult
from schemas.ids import split_key
from schemas.money import Money
from tests.oracle.times import instant
from tests.streams import generate
from tests.streams.records import stamp

Json = dict[str, Any]
LINES = 700


def lived(seed: int) -> tuple[Ledger, dict[Place, SpendCell], list[Json], int]:
    """A whole stream: the audit's books, the table, all outputs, and how many holds are left."""
    lines = generate(seed, LINES)
    lines.append({"at": stamp(instant(lines[-1]["at"]) + timedelta(minutes=11))})
    replay, ledger, outputs = Replay(Rules()), Ledger(), []
    for line in lines:
        came = replay.feed(line)
        outputs += came
        for output in came:
            if output["topic"] == "refund-decision":
                ledger.decision(output["value"])
        if line.get("topic") == "refund-result":
            feed_result(ledger, line)
    cells = {}
    for key, raw in replay.stores["daily_spend"].items():
        shop_id, strategy_id, day, *shadow = split_key(key)
        if not shadow:
            cells[shop_id, strategy_id, day] = load_cell(SpendCell, raw)
    return ledger, cells, outputs, len(replay.stores["holds"])


def feed_result(ledger: Ledger, line: Json) -> None:
    raw = line["raw"].encode() if "raw" in line else orjson.dumps(line["value"])
    try:
        result = decode("refund-result", raw)
    except InvalidRecord:
        return
    assert isinstance(result, RefundResult)
    ledger.result(result)


@pytest.mark.parametrize("seed", range(200, 212))
def test_an_audit_of_any_stream_is_clean(seed: int) -> None:
    ledger, cells, outputs, holds = lived(seed)
    assert ledger.faults == []
    assert list(ledger.differences(cells)) == []
    assert holds == 0
    raised = Counter(one["value"]["alert_id"] for one in outputs if one["topic"] == "refund-alert")
    repeated = {alert for alert, number in raised.items() if number > 1 and not alert.startswith("request_conflict")}
    assert not {alert for alert in repeated if not alert.startswith("config_rejected")}
    notices = Counter(
        (one["value"]["shop_id"], one["value"]["strategy_id"], one["value"]["spend_day"])
        for one in outputs
        if one["topic"] == "refund-alert" and one["value"]["kind"] == "spend_threshold"
    )
    assert all(number <= 3 for number in notices.values())


def test_the_streams_spend_and_settle_enough_to_mean_something() -> None:
    ledger, cells, _, _ = lived(200)
    assert ledger.decisions > 100
    assert ledger.results > 20
    assert any(cell.executed_fen > Money(0) for cell in cells.values())
    assert any(cell.reserved_fen > Money(0) for cell in cells.values())


def test_a_single_fen_more_in_the_table_is_a_difference() -> None:
    ledger, cells, _, _ = lived(200)
    place = next(iter(ledger.spent()))
    wrong = cells[place].model_copy(update={"reserved_fen": cells[place].reserved_fen + Money(1)})
    (line,) = ledger.differences(cells | {place: wrong})
    assert " ".join(place) in line


def decision(**change: Any) -> Json:
    return {
        "decision_id": "r-1:1", "shop_id": "shop-1", "outcome": "auto_approve", "strategy_id": "s-1", "amount_fen": 100,
        "spent_before_fen": 0, "spent_after_fen": 100, "daily_cap_fen": 1000, "spend_day": "2026-11-23",
    } | change  # fmt: skip


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (decision(), "decided twice"),
        (decision(decision_id="r-2:1", spent_after_fen=101), "do not fit"),
        (decision(decision_id="r-2:1", spent_before_fen=950, spent_after_fen=1050), "of a cap of 1000"),
        (decision(decision_id="r-2:1", outcome="manual_review", spent_after_fen=100), "do not fit"),
    ],
)
def test_a_fault_in_the_decisions_themselves_is_named(second: Json, fault: str) -> None:
    ledger = Ledger()
    ledger.decision(decision())
    assert ledger.faults == []
    ledger.decision(second)
    assert fault in ledger.faults[0]


def result(status: str, amount: int) -> RefundResult:
    value = {"schema_version": 1, "shop_id": "shop-1", "decision_id": "r-1:1", "status": status, "amount_fen": amount}
    return RefundResult.model_validate(value | {"at": "2026-11-23T10:00:00Z"})


@pytest.mark.parametrize(
    ("ways", "executed", "agrees"),
    [
        (("a", "a"), 100, True),
        (("a", "a"), 0, False),
        (("a", "b"), 100, True),
        (("a", "b"), 0, True),
        (("a", "b"), 50, False),
    ],
)
def test_which_of_two_contradicting_results_came_first_is_known_on_one_way_only(
    ways: tuple[str, str], executed: int, agrees: bool
) -> None:
    ledger = Ledger()
    ledger.decision(decision())
    ledger.result(result("succeeded", 100), ways[0])
    ledger.result(result("failed", 100), ways[1])
    cell = SpendCell(executed_fen=Money(executed))
    found = list(ledger.differences({("shop-1", one, "2026-11-23"): cell for one in ("s-1", "*")}))
    assert (found == []) is agrees
