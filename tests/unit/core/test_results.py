"""What the executor's answer changes: the first definite one is final (domain [17-19, 52])."""

from __future__ import annotations

import pytest

from app.core.results import Step, take_result
from schemas.errors import InvalidRecord
from schemas.money import ZERO, Money
from schemas.vocabulary import ResultStatus
from tests.builders import AT_MICROS, approval, result

SUCCEEDED, FAILED, CANCELLED, RECOVERED = (
    ResultStatus.SUCCEEDED, ResultStatus.FAILED, ResultStatus.CANCELLED, ResultStatus.RECOVERED,
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "amount", "step", "executed"),
    [
        (SUCCEEDED, 300, Step.EXECUTED, 300),
        (SUCCEEDED, 200, Step.EXECUTED, 200),
        (SUCCEEDED, 0, Step.EXECUTED, 0),
        (FAILED, 300, Step.RELEASED, 0),
        (FAILED, 0, Step.RELEASED, 0),
        (CANCELLED, 300, Step.RELEASED, 0),
    ],
)
def test_the_first_definite_result_is_taken(status: ResultStatus, amount: int, step: Step, executed: int) -> None:
    found, after = take_result(approval(), result(status=status, amount_fen=amount))
    assert found is step
    assert (after.status, after.executed_fen, after.result_at) == (status, Money(executed), AT_MICROS)


@pytest.mark.parametrize("known", [SUCCEEDED, FAILED, CANCELLED, RECOVERED])
@pytest.mark.parametrize("status", [SUCCEEDED, FAILED, CANCELLED])
def test_repeats_and_contradictions_change_nothing_52(known: ResultStatus, status: ResultStatus) -> None:
    before = approval(status=known, executed_fen=100, result_at=1)
    assert take_result(before, result(status=status, amount_fen=300)) == (Step.IGNORED, before)


def test_recovered_counts_after_succeeded_and_gives_no_budget_back_19() -> None:
    before = approval(status=SUCCEEDED, executed_fen=300, result_at=1)
    step, after = take_result(before, result(status=RECOVERED, amount_fen=250))
    assert step is Step.RECOVERED
    assert (after.status, after.recovered_fen) == (RECOVERED, Money(250))
    assert (after.executed_fen, after.result_at) == (Money(300), 1)


@pytest.mark.parametrize("known", [None, FAILED, CANCELLED, RECOVERED])
def test_recovered_counts_only_after_succeeded_52(known: ResultStatus | None) -> None:
    before = approval(status=known, recovered_fen=ZERO)
    assert take_result(before, result(status=RECOVERED, amount_fen=300)) == (Step.IGNORED, before)


@pytest.mark.parametrize("status", list(ResultStatus))
@pytest.mark.parametrize("known", [None, SUCCEEDED])
def test_more_money_than_was_approved_is_an_invalid_record_52(status: ResultStatus, known: ResultStatus | None) -> None:
    with pytest.raises(InvalidRecord, match="301 fen of 300 approved"):
        take_result(approval(status=known), result(status=status, amount_fen=301))
