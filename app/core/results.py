"""What a refund result changes (domain [17-19, 52])."""

from __future__ import annotations

from enum import Enum

from schemas.cells import ApprovalCell
from schemas.errors import Fault, InvalidRecord
from schemas.events import RefundResult
from schemas.money import ZERO
from schemas.times import to_micros
from schemas.vocabulary import ResultStatus

__all__ = ["Step", "take_result"]


class Step(Enum):
    """What the result did to the approval."""

    IGNORED = "ignored"
    """A repeat, or a contradiction to what is final."""
    EXECUTED = "executed"
    RELEASED = "released"
    RECOVERED = "recovered"
    """The buyer paid back; the day's budget stays as it is (domain [19])."""


def take_result(approval: ApprovalCell, result: RefundResult) -> tuple[Step, ApprovalCell]:
    """The approval after the result. The first of succeeded, failed, cancelled is final.

    Raises InvalidRecord for more money than was approved.
    """
    if result.amount_fen > approval.amount_fen:
        raise InvalidRecord(
            f"amount_fen: {result.amount_fen.fen} fen of {approval.amount_fen.fen} approved", Fault.OVER_APPROVED
        )
    if result.status is ResultStatus.RECOVERED:
        if approval.status is not ResultStatus.SUCCEEDED:
            return Step.IGNORED, approval
        recovered = {"status": ResultStatus.RECOVERED, "recovered_fen": result.amount_fen}
        return Step.RECOVERED, approval.model_copy(update=recovered)
    if approval.status is not None:
        return Step.IGNORED, approval
    executed = result.amount_fen if result.status is ResultStatus.SUCCEEDED else ZERO
    final = approval.model_copy(
        update={"status": result.status, "executed_fen": executed, "result_at": to_micros(result.at)}
    )
    return Step.EXECUTED if result.status is ResultStatus.SUCCEEDED else Step.RELEASED, final
