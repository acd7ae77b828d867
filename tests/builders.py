"""Builders of records and facts: valid by default, change one thing.

`*_value` gives the JSON a sender would write; the bare name gives the event or the cell. The default request over ¥5.00
passes the default strategy on the default order.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from app.core.facts import GrantFacts, ShopFacts, Standing
from app.lane_job import Headers, Record
from schemas.cells import ApprovalCell, BreakerCell, BuyerCell, OrderCell, SpendCell
from schemas.events import (
    AfterSaleRequest,
    BuyerList,
    Control,
    OrderLogistics,
    RefundResult,
    ShopCapConfig,
    StrategyConfig,
)
from schemas.money import Money
from schemas.times import SHANGHAI, format_time, to_micros

Json = dict[str, Any]

AT = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
"""The decision clock: a Monday morning."""
AT_MICROS = to_micros(AT)
DAY = "2026-11-23"


def later(**by: float) -> datetime:
    """The decision clock, later by a timedelta's arguments (negative: earlier)."""
    return AT + timedelta(**by)


def item_value(**change: Any) -> Json:
    return {"order_item_id": "oi-1", "product_id": "p-1", "quantity": 1, "amount_fen": 500} | change


def request_value(**change: Any) -> Json:
    return {
        "schema_version": 1,
        "request_id": "r-1",
        "shop_id": "shop-1",
        "order_id": "o-1",
        "buyer_id": "b-1",
        "request_version": 1,
        "refund_type": "refund_only",
        "status": "pending_seller",
        "reason": "not_received",
        "amount_fen": 500,
        "items": [item_value()],
        "risk": {"level": "normal", "codes": []},
        "applied_at": format_time(AT),
    } | change


def strategy_value(**change: Any) -> Json:
    return {
        "schema_version": 1,
        "strategy_id": "s-1",
        "shop_id": "shop-1",
        "version": 1,
        "name": "小额",
        "enabled": True,
        "updated_at": format_time(AT),
        "updated_by": "seller",
    } | change


def shop_cap_value(**change: Any) -> Json:
    return {"schema_version": 1, "strategy_id": "*", "shop_id": "shop-1", "version": 1, "daily_cap_fen": 1000} | change


def parcel_value(**change: Any) -> Json:
    return {
        "parcel_id": "pc-1",
        "order_item_ids": ["oi-1"],
        "shipped_at": format_time(later(days=-3)),
        "delivery": "in_transit",
    } | change


def logistics_value(**change: Any) -> Json:
    return {
        "schema_version": 1,
        "order_id": "o-1",
        "shop_id": "shop-1",
        "version": 1,
        "paid_fen": 5000,
        "parcels": [parcel_value()],
        "updated_at": format_time(later(days=-1)),
    } | change


def result_value(**change: Any) -> Json:
    return {
        "schema_version": 1,
        "decision_id": "r-1:1",
        "shop_id": "shop-1",
        "status": "succeeded",
        "amount_fen": 500,
        "at": format_time(AT),
    } | change


def buyer_list_value(**change: Any) -> Json:
    return {
        "schema_version": 1,
        "shop_id": "shop-1",
        "buyer_id": "b-1",
        "list": "block",
        "reason": "swarm",
        "by": "operator",
        "at": format_time(AT),
    } | change


def control_value(**change: Any) -> Json:
    return {
        "schema_version": 1,
        "scope": "shop",
        "shop_id": "shop-1",
        "action": "halt",
        "reason": "odd traffic",
        "by": "operator",
        "at": format_time(AT),
    } | change


def request(**change: Any) -> AfterSaleRequest:
    return AfterSaleRequest.model_validate(request_value(**change))


def strategy(**change: Any) -> StrategyConfig:
    return StrategyConfig.model_validate(strategy_value(**change))


def shop_cap(**change: Any) -> ShopCapConfig:
    return ShopCapConfig.model_validate(shop_cap_value(**change))


def logistics(**change: Any) -> OrderLogistics:
    return OrderLogistics.model_validate(logistics_value(**change))


def result(**change: Any) -> RefundResult:
    return RefundResult.model_validate(result_value(**change))


def buyer_list(**change: Any) -> BuyerList:
    return BuyerList.model_validate(buyer_list_value(**change))


def control(**change: Any) -> Control:
    return Control.model_validate(control_value(**change))


def approval(**change: Any) -> ApprovalCell:
    return ApprovalCell.model_validate(
        {"decision_id": "r-0:1", "strategy_id": "s-1", "spend_day": DAY, "amount_fen": 300, "item_ids": ["oi-0"]}
        | change
    )


def order(**change: Any) -> OrderCell:
    """The default order's cell; `logistics` as changes to the default, or None."""
    told = change.pop("logistics", {})
    return OrderCell(logistics=None if told is None else logistics(**told), **change)


def spend(executed: int = 0, reserved: int = 0, **more: Any) -> SpendCell:
    return SpendCell(executed_fen=Money(executed), reserved_fen=Money(reserved), **more)


def shop_facts(**change: Any) -> ShopFacts:
    facts: Json = {"halted": False, "standing": Standing.NEWEST, "strategies": (strategy(),), "order": order()}
    return ShopFacts(**facts | change)


def grant_facts(**change: Any) -> GrantFacts:
    facts: Json = {
        "buyer": BuyerCell(),
        "buyer_everywhere": BuyerCell(),
        "breaker": BreakerCell(version=1),
        "spend": SpendCell(),
        "shop_spend": SpendCell(),
        "shop_cap": None,
    }
    return GrantFacts(**facts | change)


def record(topic: str, value: object, **more: Any) -> Record:
    """A record as Kafka gives it; `value` may be a JSON value, bytes, or None (a tombstone)."""
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    headers: Headers = more.pop("headers", ())
    place: Json = {"partition": 0, "offset": 7, "key": b"key"} | more
    return Record(topic=topic, value=raw, headers=headers, **place)
