"""Valid records at the far ends of what is allowed: huge counts, ancient and far times, empty lists, repeated items."""

from __future__ import annotations

from random import Random

from tests.streams import records
from tests.streams.buyers_moves import new_request, ship, tell
from tests.streams.records import Json
from tests.streams.scene import BUYERS, SHOPS, STRATEGIES, Scene

HUGE = 2**63 - 1
ANCIENT, FAR = "1970-01-01T00:00:00Z", "9999-01-01T00:00:00+08:00"


def extreme_strategy(rng: Random, scene: Scene) -> None:
    shop, strategy_id = rng.choice(SHOPS), rng.choice(STRATEGIES)
    known = scene.oracle.world.strategies.get((shop, strategy_id))
    days: Json = {
        "enabled": True,
        "max_days": rng.choice((HUGE, 10**9, 3_000_000, 0)),
        "min_days": rng.choice((0, 0, HUGE)),
    }
    change: Json = rng.choice(
        (
            {"daily_cap_fen": HUGE},
            {"priority": rng.choice((HUGE, -HUGE - 1))},
            {"order_states": {"shipped_not_received": days, "received": days}},
            {"buyer_limits": {"max_per_day": HUGE, "max_per_30_days": HUGE, "max_amount_per_30_days_fen": HUGE}},
            {"breaker": {"max_approvals": HUGE, "per_minutes": 1440}},
            {"breaker": {"max_approvals": 1, "per_minutes": 1440}},
            {"product_scope": {"mode": "include", "product_ids": ["p1"] * 300, "excluded_product_ids": []}},
            {"execution_windows": [{"start": "00:00", "end": "23:59", "weekdays": [1, 1, 2, 3, 4, 5, 6, 7]}] * 50},
            {"execution_windows": [{"start": "23:59", "end": "23:58", "weekdays": None}]},
            {"updated_at": rng.choice((ANCIENT, FAR)), "name": "", "updated_by": "x" * 1000},
        )
    )
    fixed = {"strategy_id": strategy_id, "shop_id": shop, "version": (known["version"] if known else 0) + 1}
    scene.say("strategy-config", records.config(scene.at) | {"daily_cap_fen": 20_000} | change | fixed)


def extreme_order(rng: Random, scene: Scene) -> None:
    """An order as odd as the contract allows, and a request for it."""
    request = new_request(rng, scene)
    shop, order_id = request["shop_id"], request["order_id"]
    known = scene.known_order(shop, order_id)
    ids = [each["order_item_id"] for each in scene.orders[shop, order_id]]
    sent = records.parcel(None, *ids, delivery="in_transit")
    change: Json = rng.choice(
        (
            {"parcels": []},
            {"parcels": [sent | {"order_item_ids": []}]},
            {"parcels": [sent | {"shipped_at": ANCIENT}] * 40},
            {"parcels": [sent | {"shipped_at": ANCIENT, "order_item_ids": ids * 20}], "paid_fen": HUGE},
            {"parcels": [sent | {"shipped_at": ANCIENT}], "paid_fen": -1},
            {"parcels": [sent | {"shipped_at": ANCIENT}], "refunded_fen": rng.choice((HUGE, -HUGE))},
            {"parcels": [sent | {"shipped_at": ANCIENT}], "settled_at": rng.choice((ANCIENT, FAR)), "updated_at": FAR},
            {"parcels": [sent | {"shipped_at": FAR}]},
            {"parcels": [sent | {"shipped_at": ANCIENT}], "updated_at": ANCIENT},
        )
    )
    fixed = {"order_id": order_id, "shop_id": shop, "version": (known["version"] if known else 0) + 1}
    scene.say("order-logistics", records.logistics(scene.at) | {"parcels": [sent]} | change | fixed)
    scene.step(rng)
    tell(scene, request)


def extreme_request(rng: Random, scene: Scene) -> None:
    request = new_request(rng, scene)
    if scene.known_order(request["shop_id"], request["order_id"]) is None:
        ship(rng, scene, request["shop_id"], request["order_id"])
    change: Json = rng.choice(
        (
            {"amount_fen": rng.choice((HUGE, -HUGE - 1))},
            {"items": request["items"] * 3},
            {"items": request["items"] + [records.item(f"n{n}") for n in range(199)]},
            {"items": [each | {"quantity": 0, "amount_fen": -HUGE} for each in request["items"]]},
            {"applied_at": ANCIENT},
            {"deadline_at": rng.choice((ANCIENT, FAR))},
            {"request_version": HUGE},
            {"reason": "", "currency": ""},
            {"reason": "理由" * 2000, "risk": {"level": "normal", "codes": ["c"] * 500}},
            {"request_id": "r" * 128, "request_version": rng.randint(1, 50)},
        )
    )
    tell(scene, request | change)


def extreme_entry(rng: Random, scene: Scene) -> None:
    until = rng.choice((ANCIENT, FAR))
    entry = records.buyer_entry(scene.at, buyer_id=rng.choice(BUYERS), shop_id=rng.choice((*SHOPS, "*")), until=until)
    scene.say("buyer-list", entry)
    if until == FAR:
        scene.step(rng)
        scene.say("buyer-list", entry | {"list": "none"})
