"""`after-sale-request`: what upstream order systems publish (contract, 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field, StrictBool, StrictInt

from schemas.events.base import COUNT_MAX, Event, Int64, SchemaVersion, Text
from schemas.ids import Id, decision_id
from schemas.money import Money
from schemas.times import Instant
from schemas.vocabulary import RefundType, RequestStatus, RiskLevel, SpecialRefundType

__all__ = ["ITEMS_MAX", "RISK_CODES_MAX", "AfterSaleRequest", "Item", "Risk"]

ITEMS_MAX: Final = 200
"""Order items in one request (contract, 2)."""
RISK_CODES_MAX: Final = 1000
DEADLINE_DEFAULT: Final = timedelta(hours=36)
"""After applying, the platform agrees by default (contract, 2)."""


class Item(Event):
    """One order item that the request concerns."""

    order_item_id: Id
    product_id: Id
    sku_id: Text | None = None
    category_id: Text | None = None
    quantity: Int64
    amount_fen: Money


class Risk(Event):
    """The platform's verdict on the buyer and the request."""

    level: RiskLevel
    codes: Annotated[list[Text], Field(max_length=RISK_CODES_MAX)]


class AfterSaleRequest(Event):
    """One version of one after-sale request."""

    schema_version: SchemaVersion
    request_id: Id
    shop_id: Id
    order_id: Id
    buyer_id: Id
    request_version: Annotated[StrictInt, Field(gt=0, le=COUNT_MAX)]
    refund_type: RefundType
    special_refund_type: SpecialRefundType = SpecialRefundType.NONE
    status: RequestStatus
    reason: Text
    amount_fen: Money
    currency: Text = "CNY"
    items: Annotated[list[Item], Field(min_length=1, max_length=ITEMS_MAX)]
    buyer_claims_received: StrictBool | None = None
    risk: Risk | None = None
    applied_at: Instant
    deadline_at: Instant | None = None

    @property
    def decision_id(self) -> str:
        """The id that its decision bears."""
        return decision_id(self.request_id, self.request_version)

    @property
    def deadline(self) -> datetime:
        """When the platform agrees by default."""
        return self.deadline_at or self.applied_at + DEADLINE_DEFAULT
