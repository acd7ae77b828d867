"""`refund-result`: what became of an approved refund, from the executor (contract, 2)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from schemas.events.base import Event, SchemaVersion, Text
from schemas.ids import Id
from schemas.money import Money, fen_json_schema
from schemas.times import Instant
from schemas.vocabulary import ResultStatus

__all__ = ["RefundResult"]


def _not_negative(amount: Money) -> Money:
    if amount.fen < 0:
        raise ValueError("a result's amount is not negative")
    return amount


class RefundResult(Event):
    """One step in the life of an approved refund. The first definite status is final (domain [52])."""

    schema_version: SchemaVersion
    decision_id: Text
    shop_id: Id
    status: ResultStatus
    amount_fen: Annotated[Money, AfterValidator(_not_negative), WithJsonSchema(fen_json_schema(minimum=0))]
    code: Text | None = None
    at: Instant
