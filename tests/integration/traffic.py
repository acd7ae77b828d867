"""Mixed traffic for a real broker: shops with small caps, orders, requests of every kind, seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from schemas.times import SHANGHAI, format_time

__all__ = ["Sent", "Traffic", "make_traffic"]

SHOPS: Final = 40
AMOUNTS: Final = (1, 350, 990, 999, 1000, 1001, 1500, 2000, 2001, 3900)
LATE_LOGISTICS: Final = 0.05
NO_LOGISTICS: Final = 0.005
DUPLICATES: Final = 0.03
MISPLACED: Final = 0.1
BAD: Final = 0.01
EDITED: Final = 0.02


@dataclass(frozen=True, slots=True)
class Sent:
    """One record to produce. `misplaced`: into another shop's partition."""

    topic: str
    key: bytes
    value: bytes
    shop_id: str
    misplaced: bool = False


@dataclass(slots=True)
class Traffic:
    """What to send, in order, and what must come of it."""

    configs: list[Sent] = field(default_factory=list)
    records: list[Sent] = field(default_factory=list)
    pending: set[str] = field(default_factory=set)
    """The decision ids that must be decided, each once."""
    bad: set[bytes] = field(default_factory=set)
    """The values that must become dead letters, each once."""
    caps: dict[tuple[str, str], int] = field(default_factory=dict)


def make_traffic(seed: int, requests: int) -> Traffic:
    """`requests` distinct pending versions, with what belongs to them."""
    chance = random.Random(seed)
    now = datetime.now(SHANGHAI)
    traffic = Traffic()
    for number in range(SHOPS):
        _add_strategies(traffic, f"shop-{number}", now)
    recent: list[Sent] = []
    number = 0
    while len(traffic.pending) < requests:
        number += 1
        shop_id = f"shop-{int(chance.paretovariate(0.7)) % SHOPS}"
        request = _request(chance, shop_id, number, now)
        sent = _sent("after-sale-request", shop_id, request, misplaced=chance.random() < MISPLACED)
        logistics = _sent("order-logistics", shop_id, _logistics(request, now), misplaced=chance.random() < MISPLACED)
        late = chance.random()
        if late < NO_LOGISTICS:
            traffic.records.append(sent)
        else:
            traffic.records += [sent, logistics] if late < LATE_LOGISTICS else [logistics, sent]
        traffic.pending.add(f"{request['request_id']}:1")
        if chance.random() < EDITED:
            edited = request | {"request_version": 2, "amount_fen": 500}
            traffic.records.append(_sent("after-sale-request", shop_id, edited))
            traffic.pending.add(f"{request['request_id']}:2")
        recent = [*recent[-200:], sent]
        if chance.random() < DUPLICATES:
            traffic.records.append(chance.choice(recent))
        if chance.random() < BAD:
            bad = orjson.dumps(request | {"request_id": f"bad-{number}", "amount_fen": 9.9})
            traffic.bad.add(bad)
            traffic.records.append(Sent("after-sale-request", shop_id.encode(), bad, shop_id))
    return traffic


def _add_strategies(traffic: Traffic, shop_id: str, now: datetime) -> None:
    for strategy_id, cap, products in (("main", 40_000, None), ("fruit", 9_000, ["apple", "pear"])):
        config = {
            "schema_version": 1,
            "strategy_id": strategy_id,
            "shop_id": shop_id,
            "version": 1,
            "name": f"{shop_id} {strategy_id}",
            "enabled": True,
            "priority": 10 if products else 100,
            "per_order_cap_fen": 2000,
            "daily_cap_fen": cap,
            "product_scope": {"mode": "include", "product_ids": products} if products else {"mode": "all"},
            "updated_at": format_time(now),
            "updated_by": "test",
        }
        traffic.caps[shop_id, strategy_id] = cap
        key = f"{shop_id}|{strategy_id}".encode()
        traffic.configs.append(Sent("strategy-config", key, orjson.dumps(config), shop_id))


def _request(chance: random.Random, shop_id: str, number: int, now: datetime) -> dict[str, Any]:
    amount = chance.choice(AMOUNTS)
    return {
        "schema_version": 1,
        "request_id": f"r-{number}",
        "shop_id": shop_id,
        "order_id": f"o-{number}",
        "buyer_id": f"b-{chance.randrange(500)}",
        "request_version": 1,
        "refund_type": "refund_only" if chance.random() < 0.95 else "exchange",
        "status": "pending_seller",
        "reason": chance.choice(("late", "damaged", "missing")),
        "amount_fen": amount,
        "items": [
            {
                "order_item_id": f"i-{number}",
                "product_id": chance.choice(("apple", "pear", "chair", "lamp")),
                "quantity": 1,
                "amount_fen": amount,
            }
        ],
        "risk": {"level": "normal" if chance.random() < 0.97 else "high", "codes": []},
        "applied_at": format_time(now),
    }


def _logistics(request: dict[str, Any], now: datetime) -> dict[str, Any]:
    shipped = format_time(now - timedelta(days=2))
    return {
        "schema_version": 1,
        "order_id": request["order_id"],
        "shop_id": request["shop_id"],
        "version": 1,
        "paid_fen": 3900,
        "parcels": [
            {
                "parcel_id": "p",
                "order_item_ids": [item["order_item_id"] for item in request["items"]],
                "shipped_at": shipped,
                "delivery": "in_transit",
            }
        ],
        "updated_at": shipped,
    }


def _sent(topic: str, shop_id: str, value: dict[str, Any], *, misplaced: bool = False) -> Sent:
    return Sent(topic, shop_id.encode(), orjson.dumps(value), shop_id, misplaced)
