"""`refund-alert`: what a seller or an operator is told (announcement, "资金消耗"; contract, 3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.events.base import Event, SchemaVersion, Text
from schemas.ids import Id
from schemas.money import Money
from schemas.times import Instant
from schemas.vocabulary import AlertKind, Channel, Severity

__all__ = ["RefundAlert"]


class RefundAlert(Event):
    """One notice. `alert_id` is a pure function of what it is about, so a repeat is harmless."""

    schema_version: SchemaVersion
    alert_id: str
    kind: AlertKind
    severity: Severity
    shop_id: Id
    strategy_id: Id | None = None
    spend_day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    spent_fen: Money | None = None
    daily_cap_fen: Money | None = None
    consumption_percent: Annotated[str, Field(pattern=r"^\d+\.\d{2}$")] | None = None
    channels: list[Channel]
    title: Text
    text: Text
    raised_at: Instant
