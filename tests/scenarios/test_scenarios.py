"""Every scenario table, held against the oracle and against the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.property.engines import ENGINES
from tests.scenarios.notation import Row, Scenario, scenarios_in

Json = dict[str, Any]
FOLDER = Path(__file__).parent
SCENARIOS = [scenario for path in sorted(FOLDER.glob("*.txt")) for scenario in scenarios_in(path)]
OUTCOMES = {"auto_approve": "approve", "manual_review": "manual"}


def told(outputs: list[Json]) -> tuple[dict[str, Json], list[str], int]:
    """What came out of one line: decisions by decision_id, alerts as the tables write them, the count of dead letters."""
    decisions = {each["value"]["decision_id"]: each["value"] for each in outputs if each["topic"] == "refund-decision"}
    alerts = []
    for each in outputs:
        if each["topic"] == "refund-alert":
            value = each["value"]
            percent = f"{value['consumption_percent']}%" if value["kind"] == "spend_threshold" else ""
            alerts.append(" ".join(filter(None, (value["kind"], value.get("strategy_id"), percent))))
    return decisions, sorted(alerts), sum(each["topic"] == "dead-letter" for each in outputs)


def check_decision(decision: Json, outcome: str, reason: str, spent: str) -> None:
    """The outcome, the deciding reason (a second word of the cell: the strategy), and the spend after it."""
    assert OUTCOMES[decision["outcome"]] == outcome
    deciding, *strategy = reason.split()
    assert decision["reasons"][0] == deciding
    if strategy:
        assert decision["strategy_id"] == strategy[0]
    if spent == "-":
        assert "spent_after_fen" not in decision
    elif spent:
        assert decision["spent_after_fen"] == int(spent)


def named(decisions: dict[str, Json], subject: str) -> str:
    """'r1' is the only version of r1 that was decided on this line; 'r1:2' names one."""
    if ":" in subject:
        return subject
    found = [each for each in decisions if each.startswith(f"{subject}:")]
    assert len(found) == 1, f"no decision of {subject}: {sorted(decisions)}"
    return found[0]


def check_row(row: Row, outputs: list[Json]) -> None:
    """All that the row says came out, and nothing else did."""
    decisions, alerts, dead_letters = told(outputs)
    left, alerts_expected, dead_expected = dict(decisions), [], 0
    for subject, outcome, reason, spent in row.expected:
        if subject.startswith("alert "):
            alerts_expected.append(subject.removeprefix("alert "))
        elif subject.startswith("shadow "):
            (imagined,) = [
                each
                for decision in decisions.values()
                for each in decision["shadow"]
                if each["strategy_id"] == subject.removeprefix("shadow ")
            ]
            assert (OUTCOMES[imagined["outcome"]], imagined["reasons"][0]) == (outcome, reason)
        elif outcome == "dead":
            dead_expected += 1
        elif outcome not in ("held", "none"):
            check_decision(left.pop(named(left, subject)), outcome, reason, spent)
    assert not left, f"decided, and not said: {left}"
    assert alerts == sorted(alerts_expected)
    assert dead_letters == dead_expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_scenario_goes_as_it_is_told(scenario: Scenario, engine: str) -> None:
    outputs = ENGINES[engine]([row.line for row in scenario.rows])
    for row, came in zip(scenario.rows, outputs, strict=True):
        try:
            check_row(row, came)
        except AssertionError as error:
            error.add_note(f"at the row: {row.text}\nwhat came: {came}")
            raise
