"""What the world does: time passes, midnight comes, and records arrive that nobody can read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from tests.streams import records
from tests.streams.records import Json
from tests.streams.scene import SHOPS, Scene

RAW = (
    "",
    "{",
    "null",
    "[]",
    "17",
    '"text"',
    '{"schema_version": NaN}',
    "\u0000\u0001",
    "[" * 50,
    '{"shop_id": "shop-1"',
)
WRONG: tuple[tuple[str, Json], ...] = (
    ("after-sale-request", {"amount_fen": 500.0}),
    ("after-sale-request", {"amount_fen": True}),
    ("after-sale-request", {"amount_fen": "500"}),
    ("after-sale-request", {"request_version": 0}),
    ("after-sale-request", {"request_version": 1.0}),
    ("after-sale-request", {"request_id": ""}),
    ("after-sale-request", {"buyer_id": "b" * 129}),
    ("after-sale-request", {"refund_type": "refund"}),
    ("after-sale-request", {"special_refund_type": None}),
    ("after-sale-request", {"status": "pending"}),
    ("after-sale-request", {"items": []}),
    ("after-sale-request", {"items": [records.item(f"i{n}") for n in range(201)]}),
    ("after-sale-request", {"items": [records.item(quantity="1")]}),
    ("after-sale-request", {"items": {"order_item_id": "i1"}}),
    ("after-sale-request", {"applied_at": "2026-11-23T10:00:00.000"}),
    ("after-sale-request", {"applied_at": 1_763_863_200}),
    ("after-sale-request", {"applied_at": "2026-11-23"}),
    ("after-sale-request", {"applied_at": "2026-13-23T10:00:00Z"}),
    ("after-sale-request", {"schema_version": 2}),
    ("after-sale-request", {"schema_version": "1"}),
    ("after-sale-request", {"risk": {"level": "low", "codes": []}}),
    ("after-sale-request", {"risk": {"level": "normal", "codes": [1]}}),
    ("after-sale-request", {"buyer_claims_received": "yes"}),
    ("after-sale-request", {"reason": ["nested", {"garbage": None}]}),
    ("strategy-config", {"per_order_cap_fen": 2001}),
    ("strategy-config", {"per_order_cap_fen": 0}),
    ("strategy-config", {"daily_cap_fen": -1}),
    ("strategy-config", {"daily_cap_fen": 1000.5}),
    ("strategy-config", {"enabled": "true"}),
    ("strategy-config", {"enabled": None}),
    ("strategy-config", {"mode": "dry"}),
    ("strategy-config", {"execution_windows": [{"start": "08:00", "end": "08:00"}]}),
    ("strategy-config", {"execution_windows": [{"start": "24:00", "end": "08:00"}]}),
    ("strategy-config", {"execution_windows": [{"start": "8:00", "end": "09:00"}]}),
    ("strategy-config", {"execution_windows": [{"start": "08:00", "end": "09:00", "weekdays": [0]}]}),
    ("strategy-config", {"product_scope": {"mode": "some", "product_ids": [], "excluded_product_ids": []}}),
    ("strategy-config", {"shop_id": 7}),
    ("strategy-config", {"strategy_id": None}),
    ("strategy-config", {"schema_version": 2}),
    ("strategy-config", {"breaker": {"max_approvals": 3}}),
    ("order-logistics", {"paid_fen": 100.0}),
    ("order-logistics", {"parcels": None}),
    ("order-logistics", {"parcels": [{"parcel_id": "x", "order_item_ids": ["i1"], "delivery": "flying"}]}),
    ("order-logistics", {"updated_at": "yesterday"}),
    ("refund-result", {"status": "done"}),
    ("refund-result", {"amount_fen": 1.0}),
    ("buyer-list", {"list": "allow"}),
    ("buyer-list", {"until": "soon"}),
    ("control", {"action": "stop"}),
    ("control", {"shop_id": None}),
    ("control", {"scope": "world"}),
)
BUILT: dict[str, Callable[..., Json]] = {
    "after-sale-request": records.request,
    "strategy-config": records.config,
    "order-logistics": records.logistics,
    "refund-result": records.result,
    "buyer-list": records.buyer_entry,
    "control": records.control,
}


def nonsense(rng: Random, scene: Scene) -> None:
    """One bad record: raw bytes, one wrong field, one missing field, or a tombstone (bad or not, as the topic has it)."""
    topic = rng.choice(tuple(BUILT))
    kind = rng.random()
    if kind < 0.2:
        scene.say_raw(topic, rng.choice(RAW))
    elif kind < 0.3:
        scene.say(topic, None, key="shop-1|s1")
    elif kind < 0.5:
        value = BUILT[topic](scene.at, schema_version=1)
        value.pop(rng.choice(sorted(value)))
        scene.say(topic, value, key="shop-1")
    else:
        topic, wrong = rng.choice(WRONG)
        scene.say(topic, BUILT[topic](scene.at) | {"version": 1000} | wrong, key="shop-1")


def burst(rng: Random, scene: Scene) -> None:
    """About a hundred dead letters within about a minute: around the limit of the burst alert."""
    many = rng.choice((100, 101, 103))
    scene.at += timedelta(seconds=61)
    for n in range(many):
        scene.say_raw("order-logistics", f"not json {n}")
        if n % 10 == 0:
            scene.at += timedelta(seconds=rng.choice((5, 5, 6)))


def jump(rng: Random, scene: Scene) -> None:
    """The clock goes on, to an edge if it can; with a line of its own or silently."""
    if rng.random() < 0.06:
        scene.at += timedelta(days=rng.choice((1, 2, 28, 29, 30)))
    else:
        scene.at = min(rng.choices(scene.times_of_interest(), k=2))
    if rng.random() < 0.7:
        scene.say_clock()


def open_shops(rng: Random, scene: Scene) -> None:
    """A strategy for each shop, to begin with."""
    for shop in SHOPS:
        cap = rng.choice((2000, 3000, 10_000))
        scene.say("strategy-config", records.config(scene.at, shop_id=shop, daily_cap_fen=cap, per_order_cap_fen=2000))
