"""`order-logistics`: what is known of one order; the highest version wins (contract, 2)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import FailFast, Field

from schemas.events.base import Event, Int64, SchemaVersion
from schemas.ids import Id
from schemas.money import ZERO, Money
from schemas.times import Instant
from schemas.vocabulary import Delivery

__all__ = ["OrderLogistics", "Parcel"]

PARCELS_MAX: Final = 1000
PARCEL_ITEMS_MAX: Final = 10_000


class Parcel(Event):
    """One parcel of the order, and the order items in it."""

    parcel_id: Id
    order_item_ids: Annotated[list[Id], Field(max_length=PARCEL_ITEMS_MAX), FailFast()]
    shipped_at: Instant | None = None
    signed_at: Instant | None = None
    delivery: Delivery


class OrderLogistics(Event):
    """One version of what is known of one order."""

    schema_version: SchemaVersion
    order_id: Id
    shop_id: Id
    version: Int64
    paid_fen: Money
    refunded_fen: Money = ZERO
    buyer_confirmed_at: Instant | None = None
    settled_at: Instant | None = None
    parcels: Annotated[list[Parcel], Field(max_length=PARCELS_MAX)]
    updated_at: Instant
