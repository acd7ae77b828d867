"""Builders of made-up records: valid by default, change one thing. Times are given as datetimes, shown as upstream would."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

Json = dict[str, Any]
SHANGHAI = timezone(timedelta(hours=8))
COMPACTED_ID = {"strategy-config": "strategy_id", "buyer-list": "buyer_id"}


def stamp(at: datetime) -> str:
    """RFC 3339 with +08:00, milliseconds, microseconds where there are any."""
    local = at.astimezone(SHANGHAI)
    return local.isoformat(timespec="microseconds" if local.microsecond % 1000 else "milliseconds")


def line(topic: str, value: Json | None, at: datetime, **more: Any) -> Json:
    """A replay line with the key its upstream would give it."""
    built: Json = {"topic": topic, "value": value, "at": stamp(at)} | more
    if value is not None and "key" not in built:
        shop = value.get("shop_id", "*")
        built["key"] = f"{shop}|{value[COMPACTED_ID[topic]]}" if topic in COMPACTED_ID else shop
    return built


def item(order_item_id: str = "i1", product_id: str = "p1", **change: Any) -> Json:
    return {"order_item_id": order_item_id, "product_id": product_id, "quantity": 1, "amount_fen": 500} | change


def request(applied_at: datetime, **change: Any) -> Json:
    """A pending refund-only request over 5 yuan that nothing speaks against."""
    return {
        "schema_version": 1,
        "request_id": "r1",
        "shop_id": "shop-1",
        "order_id": "o1",
        "buyer_id": "buyer-1",
        "request_version": 1,
        "refund_type": "refund_only",
        "special_refund_type": "none",
        "status": "pending_seller",
        "reason": "not_wanted",
        "amount_fen": 500,
        "currency": "CNY",
        "items": [item()],
        "buyer_claims_received": None,
        "risk": {"level": "normal", "codes": []},
        "applied_at": stamp(applied_at),
        "deadline_at": None,
    } | change


def config(updated_at: datetime, **change: Any) -> Json:
    """An enabled live strategy for everything, with the defaults of the contract."""
    return {
        "schema_version": 1,
        "strategy_id": "s1",
        "shop_id": "shop-1",
        "version": 1,
        "name": "small refunds",
        "enabled": True,
        "updated_at": stamp(updated_at),
        "updated_by": "seller",
    } | change


def shop_cap(version: int, **change: Any) -> Json:
    """The cap over all strategies of a shop: only what the contract asks of strategy_id '*'."""
    return {"schema_version": 1, "strategy_id": "*", "shop_id": "shop-1", "version": version} | change


def parcel(shipped_at: datetime | None, *order_item_ids: str, **change: Any) -> Json:
    """A parcel on its way, or still waiting where it has no shipped_at."""
    built: Json = {"parcel_id": "parcel-1", "order_item_ids": list(order_item_ids) or ["i1"]}
    if shipped_at is not None:
        built["shipped_at"] = stamp(shipped_at)
    return built | {"delivery": "waiting" if shipped_at is None else "in_transit"} | change


def logistics(updated_at: datetime, *parcels: Json, **change: Any) -> Json:
    """An order of 100 yuan; by default one parcel with item i1, shipped a day before."""
    return {
        "schema_version": 1,
        "order_id": "o1",
        "shop_id": "shop-1",
        "version": 1,
        "paid_fen": 10_000,
        "parcels": list(parcels) or [parcel(updated_at - timedelta(days=1))],
        "updated_at": stamp(updated_at),
    } | change


def result(at: datetime, **change: Any) -> Json:
    return {
        "schema_version": 1,
        "decision_id": "r1:1",
        "shop_id": "shop-1",
        "status": "succeeded",
        "amount_fen": 500,
        "at": stamp(at),
    } | change


def buyer_entry(at: datetime, **change: Any) -> Json:
    return {
        "schema_version": 1,
        "shop_id": "shop-1",
        "buyer_id": "buyer-1",
        "list": "block",
        "reason": "swarm",
        "by": "seller",
        "at": stamp(at),
    } | change


def control(at: datetime, **change: Any) -> Json:
    return {
        "schema_version": 1,
        "scope": "shop",
        "shop_id": "shop-1",
        "action": "halt",
        "reason": "drill",
        "by": "operator",
        "at": stamp(at),
    } | change
