"""The refund-decision event, as `schemas.events.RefundDecision` describes it (a test holds each one against it).

It is built as a plain dict: one event with a trace of thirty lines takes a tenth of the time that a validated model takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.decide import Grant, Matching
from app.core.ladder import Finding
from schemas.cells import SpendCell
from schemas.events import AfterSaleRequest, StrategyConfig
from schemas.events.base import SCHEMA_VERSION
from schemas.times import SpendDay, format_time
from schemas.vocabulary import Outcome, Provenance, Reason

__all__ = ["ShadowRuling", "decision_event"]


@dataclass(frozen=True, slots=True)
class ShadowRuling:
    """What one shadow strategy would have decided."""

    strategy: StrategyConfig
    outcome: Outcome
    reasons: tuple[Reason, ...]


def decision_event(
    request: AfterSaleRequest,
    matching: Matching,
    ruling: Grant | None,
    spend: SpendCell | None,
    at: datetime,
    day: SpendDay,
    shadow: list[ShadowRuling],
) -> dict[str, Any]:
    """The decision on `request`. `ruling` and `spend` (before it) are None where no strategy matched."""
    strategy = matching.strategy
    approved = ruling is not None and ruling.granted is not None
    event: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "decision_id": request.decision_id,
        "request_id": request.request_id,
        "request_version": request.request_version,
        "shop_id": request.shop_id,
        "order_id": request.order_id,
        "buyer_id": request.buyer_id,
        "outcome": Outcome.AUTO_APPROVE if approved else Outcome.MANUAL_REVIEW,
        "reasons": matching.reasons if ruling is None else ruling.reasons,
        "provenance": Provenance.NONE if strategy is None else strategy.provenance,
        "amount_fen": request.amount_fen.fen,
        "buyer_reason": request.reason,
        "applied_at": format_time(request.applied_at),
        "decided_at": format_time(at),
        "deadline_at": format_time(request.deadline),
        "trace": [_trace_entry(finding) for finding in matching.trace + (ruling.trace if ruling else ())],
        "shadow": [
            {
                "strategy_id": one.strategy.strategy_id,
                "version": one.strategy.version,
                "outcome": one.outcome,
                "reasons": one.reasons,
            }
            for one in shadow
        ],
    }
    if strategy is not None and spend is not None:
        before = spend.spent.fen
        event |= {
            "strategy_id": strategy.strategy_id,
            "strategy_version": strategy.version,
            "spend_day": day,
            "spent_before_fen": before,
            "spent_after_fen": before + request.amount_fen.fen if approved else before,
            "daily_cap_fen": strategy.daily_cap_fen.fen,
        }
    return event


def _trace_entry(finding: Finding) -> dict[str, Any]:
    strategy_id, rule, result, found, needed = finding
    entry: dict[str, Any] = {"rule": rule, "result": result}
    if strategy_id is not None:
        entry["strategy_id"] = strategy_id
    if found is not None:
        entry["found"] = found
    if needed is not None:
        entry["needed"] = needed
    return entry
