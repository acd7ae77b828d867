"""`refund-decision`: what the executor pays and the seller reads (contract, 3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from schemas.events.base import Event, Int64, SchemaVersion, Text
from schemas.ids import Id
from schemas.money import Money
from schemas.times import Instant
from schemas.vocabulary import LookResult, Outcome, Provenance, Reason

__all__ = ["RefundDecision", "ShadowDecision", "TraceEntry"]

Found = StrictBool | StrictInt | str | None
"""What a rule saw or wanted: a number (fen or a count), a word, yes or no."""


class TraceEntry(Event):
    """One rule that was looked at. `rule` is the reason that it would give; `hit` = passed, `miss` = turned away."""

    strategy_id: Id | None = None
    rule: Reason
    result: LookResult
    found: Found = None
    needed: Found = None


class ShadowDecision(Event):
    """What a shadow strategy would have decided (domain [36])."""

    strategy_id: Id
    version: Int64
    outcome: Outcome
    reasons: Annotated[list[Reason], Field(min_length=1)]


class RefundDecision(Event):
    """The one decision on one version of one request. A manual review is never a rejection."""

    schema_version: SchemaVersion
    decision_id: str
    request_id: Id
    request_version: Int64
    shop_id: Id
    order_id: Id
    buyer_id: Id
    outcome: Outcome
    reasons: Annotated[list[Reason], Field(min_length=1)]
    strategy_id: Id | None = None
    strategy_version: Int64 | None = None
    provenance: Provenance
    amount_fen: Money
    spend_day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    spent_before_fen: Money | None = None
    spent_after_fen: Money | None = None
    daily_cap_fen: Money | None = None
    buyer_reason: Text
    applied_at: Instant
    decided_at: Instant
    deadline_at: Instant
    trace: list[TraceEntry]
    shadow: list[ShadowDecision]
