"""Strict reading of each input (contract, 2): the known fields with their defaults filled in, or `BadRecordError`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.oracle.fields import (
    BadRecordError,
    Json,
    boolean,
    field,
    ident,
    integer,
    list_of,
    obj,
    one_of,
    optional,
    text,
    time,
)
from tests.oracle.times import AHEAD_MAX

ITEMS_MAX = 200
DAILY_CAP_DEFAULT_FEN = 10_000_000
COMPACTED = ("strategy-config", "buyer-list")
STATUSES = ("pending_seller", "withdrawn", "seller_rejected", "seller_approved", "platform_involved", "closed")
REFUND_TYPES = ("refund_only", "return_and_refund", "exchange", "resend", "repair")
DELIVERIES = ("waiting", "in_transit", "pickup_point", "signed", "rejected", "lost")


def schema_version(record: Json) -> None:
    """contract, 1: an integer; one higher than the known is invalid."""
    field(record, "schema_version", integer(1, 1))


def item(value: Any) -> Json:
    return {
        "order_item_id": field(obj(value), "order_item_id", ident),
        "product_id": field(value, "product_id", ident),
        "sku_id": optional(value, "sku_id", text),
        "category_id": optional(value, "category_id", text),
        "quantity": field(value, "quantity", integer()),
        "amount_fen": field(value, "amount_fen", integer()),
    }


def risk(value: Any) -> Json:
    return {
        "level": field(obj(value), "level", one_of("normal", "elevated", "high")),
        "codes": field(value, "codes", list_of(text)),
    }


def after_sale_request(record: Json, now: datetime) -> Json:
    schema_version(record)
    read = {
        "request_id": field(record, "request_id", ident),
        "shop_id": field(record, "shop_id", ident),
        "order_id": field(record, "order_id", ident),
        "buyer_id": field(record, "buyer_id", ident),
        "request_version": field(record, "request_version", integer(1)),
        "refund_type": field(record, "refund_type", one_of(*REFUND_TYPES)),
        "special_refund_type": field(record, "special_refund_type", one_of("none", "price_protection"), "none"),
        "status": field(record, "status", one_of(*STATUSES)),
        "reason": field(record, "reason", text),
        "amount_fen": field(record, "amount_fen", integer()),
        "currency": field(record, "currency", text, "CNY"),
        "items": field(record, "items", list_of(item, 1, ITEMS_MAX)),
        "buyer_claims_received": optional(record, "buyer_claims_received", boolean),
        "risk": optional(record, "risk", risk),
        "applied_at": field(record, "applied_at", time),
        "deadline_at": optional(record, "deadline_at", time),
    }
    if read["applied_at"] - now > AHEAD_MAX:
        raise BadRecordError("applied_at is more than 5 minutes ahead of the clock (domain [44])")
    return read


def product_scope(value: Any) -> Json:
    return {
        "mode": field(obj(value), "mode", one_of("all", "include"), "all"),
        "product_ids": field(value, "product_ids", list_of(ident), []),
        "excluded_product_ids": field(value, "excluded_product_ids", list_of(ident), []),
    }


def order_state(value: Any) -> Json:
    return {
        "enabled": field(obj(value), "enabled", boolean),
        "min_days": optional(value, "min_days", integer(0)),
        "max_days": optional(value, "max_days", integer(0)),
    }


STATE_DEFAULT: Json = {"enabled": True, "min_days": None, "max_days": None}


def order_states(value: Any) -> Json:
    return {
        "shipped_not_received": field(obj(value), "shipped_not_received", order_state, STATE_DEFAULT),
        "received": field(value, "received", order_state, STATE_DEFAULT),
    }


def clock_name(value: Any, pattern: str) -> str:
    if not re.fullmatch(pattern, text(value)):
        raise BadRecordError("not HH:MM")
    return text(value)


def window(value: Any) -> Json:
    read = {
        "start": field(obj(value), "start", lambda start: clock_name(start, r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")),
        "end": field(value, "end", lambda end: clock_name(end, r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")),
        "weekdays": optional(value, "weekdays", list_of(integer(1, 7))),
    }
    if read["start"] == read["end"]:
        raise BadRecordError("start = end (domain [8])")
    return read


def buyer_limits(value: Any) -> Json:
    names = ("max_per_day", "max_per_30_days", "max_amount_per_30_days_fen")
    return {name: optional(obj(value), name, integer(0)) for name in names}


def breaker(value: Any) -> Json:
    return {
        "max_approvals": field(obj(value), "max_approvals", integer(1)),
        "per_minutes": field(value, "per_minutes", integer(1)),
    }


def strategy_config(record: Json, now: datetime) -> Json:
    schema_version(record)
    read = {
        "strategy_id": field(record, "strategy_id", ident),
        "shop_id": field(record, "shop_id", ident),
        "version": field(record, "version", integer()),
        "deleted": field(record, "deleted", boolean, False),
        "daily_cap_fen": field(record, "daily_cap_fen", integer(0), DAILY_CAP_DEFAULT_FEN, null=True),
    }
    if read["strategy_id"] == "*":
        return read
    field(record, "name", text)
    field(record, "updated_at", time)
    field(record, "updated_by", text)
    return read | {
        "enabled": field(record, "enabled", boolean, False),
        "mode": field(record, "mode", one_of("live", "shadow"), "live"),
        "priority": field(record, "priority", integer(), 100),
        "product_scope": field(record, "product_scope", product_scope, product_scope({})),
        "order_states": field(record, "order_states", order_states, order_states({})),
        "per_order_cap_fen": field(record, "per_order_cap_fen", integer(1, 2000), 1000),
        "risk_check": field(record, "risk_check", boolean, True),
        "execution_windows": field(record, "execution_windows", list_of(window), []),
        "buyer_limits": field(record, "buyer_limits", buyer_limits, buyer_limits({}), null=True),
        "breaker": field(record, "breaker", breaker, None, null=True),
        "owner": field(record, "owner", one_of("merchant", "platform"), "merchant"),
    }


def parcel(value: Any) -> Json:
    return {
        "parcel_id": field(obj(value), "parcel_id", ident),
        "order_item_ids": field(value, "order_item_ids", list_of(ident)),
        "shipped_at": optional(value, "shipped_at", time),
        "signed_at": optional(value, "signed_at", time),
        "delivery": field(value, "delivery", one_of(*DELIVERIES)),
    }


def order_logistics(record: Json, now: datetime) -> Json:
    schema_version(record)
    return {
        "order_id": field(record, "order_id", ident),
        "shop_id": field(record, "shop_id", ident),
        "version": field(record, "version", integer()),
        "paid_fen": field(record, "paid_fen", integer()),
        "refunded_fen": field(record, "refunded_fen", integer(), 0),
        "buyer_confirmed_at": optional(record, "buyer_confirmed_at", time),
        "settled_at": optional(record, "settled_at", time),
        "parcels": field(record, "parcels", list_of(parcel)),
        "updated_at": field(record, "updated_at", time),
    }


def refund_result(record: Json, now: datetime) -> Json:
    schema_version(record)
    optional(record, "code", text)
    return {
        "decision_id": field(record, "decision_id", text),
        "shop_id": field(record, "shop_id", ident),
        "status": field(record, "status", one_of("succeeded", "failed", "cancelled", "recovered")),
        "amount_fen": field(record, "amount_fen", integer(0)),
        "at": field(record, "at", time),
    }


def buyer_list(record: Json, now: datetime) -> Json:
    schema_version(record)
    field(record, "reason", text)
    field(record, "by", text)
    field(record, "at", time)
    return {
        "shop_id": field(record, "shop_id", ident),
        "buyer_id": field(record, "buyer_id", ident),
        "list": field(record, "list", one_of("block", "none")),
        "until": optional(record, "until", time),
    }


def control(record: Json, now: datetime) -> Json:
    schema_version(record)
    field(record, "reason", text)
    field(record, "by", text)
    field(record, "at", time)
    scope = field(record, "scope", one_of("global", "shop"))
    return {
        "scope": scope,
        "shop_id": field(record, "shop_id", ident) if scope == "shop" else None,
        "action": field(record, "action", one_of("halt", "resume")),
    }


READERS: dict[str, Callable[[Json, datetime], Json]] = {
    "after-sale-request": after_sale_request,
    "strategy-config": strategy_config,
    "order-logistics": order_logistics,
    "refund-result": refund_result,
    "buyer-list": buyer_list,
    "control": control,
}
