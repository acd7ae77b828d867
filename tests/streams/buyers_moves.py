"""What buyers do: ask, edit, withdraw, ask again, and what their upstream does to it: repeats, conflicts, late versions."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from tests.streams import records
from tests.streams.records import Json, stamp
from tests.streams.scene import BUYERS, Scene

NOT_PENDING = ("withdrawn", "seller_rejected", "seller_approved", "platform_involved", "closed")
RISKS: tuple[Json | None, ...] = (
    None,
    {"level": "elevated", "codes": ["many_refunds"]},
    {"level": "high", "codes": []},
    {"level": "normal", "codes": []},
)


def new_request(rng: Random, scene: Scene, **change: object) -> Json:
    shop = scene.shop(rng)
    order_id, items = scene.order(rng, shop)
    asked = rng.sample(items, rng.randint(1, len(items)))
    request = records.request(
        scene.applied_at(rng, shop, order_id),
        request_id=f"r{scene.next_serial()}",
        shop_id=shop,
        order_id=order_id,
        buyer_id=rng.choice(BUYERS),
        amount_fen=scene.amount(rng, shop),
        items=asked,
        request_version=rng.choice((1, 1, 1, 3)),
    )
    if rng.random() < 0.15:
        request["risk"] = rng.choice(RISKS)
    if rng.random() < 0.2:
        request["buyer_claims_received"] = rng.choice((True, False, False))
    if rng.random() < 0.06:
        request |= rng.choice(
            (
                {"refund_type": "return_and_refund"},
                {"refund_type": "exchange", "special_refund_type": "price_protection"},
                {"special_refund_type": "price_protection"},
                {"currency": "USD"},
                {"deadline_at": stamp(scene.at + timedelta(hours=1))},
            )
        )
    if rng.random() < 0.03:
        request["status"] = rng.choice(NOT_PENDING)
    return request | change


def tell(scene: Scene, request: Json) -> None:
    scene.requests.append(request)
    scene.say("after-sale-request", request)


def ask(rng: Random, scene: Scene) -> None:
    """A request; mostly its logistics came first."""
    request = new_request(rng, scene)
    if rng.random() < 0.85 and scene.known_order(request["shop_id"], request["order_id"]) is None:
        ship(rng, scene, request["shop_id"], request["order_id"])
        scene.step(rng)
    tell(scene, request)


def volley(rng: Random, scene: Scene) -> None:
    """Several plain requests on new orders in one shop, quickly: fills budgets, limits and breakers."""
    shop = rng.choice(("shop-1", "shop-2"))
    for _ in range(rng.randint(3, 8)):
        order_id = f"o{scene.next_serial()}"
        items = [records.item(f"{order_id}-0", "p1")]
        scene.orders[shop, order_id] = items
        shipped = records.parcel(scene.at - timedelta(hours=5), f"{order_id}-0")
        scene.say("order-logistics", records.logistics(scene.at, shipped, order_id=order_id, shop_id=shop))
        request = records.request(
            scene.at,
            request_id=f"r{scene.next_serial()}",
            shop_id=shop,
            order_id=order_id,
            buyer_id=rng.choice(BUYERS),
            amount_fen=scene.amount(rng, shop),
            items=items,
        )
        tell(scene, request)
        scene.at += timedelta(seconds=rng.choice((0, 1, 30, 60)))


def ask_early(rng: Random, scene: Scene) -> None:
    """A request whose order nothing is known of: held."""
    shop = rng.choice(("shop-1", "shop-2"))
    order_id = f"o{scene.next_serial()}"
    scene.orders[shop, order_id] = [records.item(f"{order_id}-0", "p1"), records.item(f"{order_id}-1", "p2")]
    tell(
        scene,
        new_request(rng, scene)
        | {"shop_id": shop, "order_id": order_id, "items": scene.orders[shop, order_id][: rng.randint(1, 2)]},
    )


def edit(rng: Random, scene: Scene) -> None:
    """Another version of a request: newer or late, pending or not."""
    known = one_of_the_last(rng, scene)
    if known is None:
        return ask(rng, scene)
    seen = {each["request_version"] for each in scene.requests if each["request_id"] == known["request_id"]}
    lower = [version for version in range(1, max(seen)) if version not in seen]
    version = rng.choice(lower) if lower and rng.random() < 0.5 else max(seen) + rng.choice((1, 1, 2))
    edited = known | {"request_version": version, "amount_fen": scene.amount(rng, known["shop_id"])}
    edited["applied_at"] = stamp(scene.at)
    if rng.random() < 0.5:
        edited["status"] = rng.choice(("pending_seller", "pending_seller", *NOT_PENDING))
    elif rng.random() < 0.5:
        edited["status"] = "pending_seller"
    tell(scene, edited)
    return None


def reject(rng: Random, scene: Scene) -> None:
    """The seller rejects; sometimes the buyer asks again at once with a new request for the same items."""
    known = one_of_the_last(rng, scene)
    if known is None:
        return ask(rng, scene)
    tell(scene, known | {"request_version": known["request_version"] + 1, "status": "seller_rejected"})
    if rng.random() < 0.7:
        again = {"request_id": f"r{scene.next_serial()}", "applied_at": stamp(scene.at), "status": "pending_seller"}
        tell(scene, known | again | {"amount_fen": 100})
    return None


def ask_again(rng: Random, scene: Scene) -> None:
    """A new request for items of an old one."""
    known = one_of_the_last(rng, scene)
    if known is None:
        return ask(rng, scene)
    again = {"request_id": f"r{scene.next_serial()}", "applied_at": stamp(scene.at), "status": "pending_seller"}
    tell(scene, known | again | {"amount_fen": scene.amount(rng, known["shop_id"])})
    return None


def repeat(rng: Random, scene: Scene) -> None:
    """The same record again, or the same version with another body."""
    known = one_of_the_last(rng, scene)
    if known is None:
        return ask(rng, scene)
    change: Json = rng.choice(
        (
            {},
            {},
            {"unknown_to_us": [1.5]},
            {"applied_at": known["applied_at"].replace("+08:00", "000+08:00")},
            {"amount_fen": known["amount_fen"] + 1},
            {"status": "withdrawn"},
            {"risk": {"level": "high", "codes": ["x"]}},
            {"reason": "other"},
        )
    )
    scene.say("after-sale-request", known | change)
    return None


def one_of_the_last(rng: Random, scene: Scene) -> Json | None:
    return rng.choice(scene.requests[-12:]) if scene.requests else None


# --- what the carriers say -------------------------------------------------------------------------------------


def ship(rng: Random, scene: Scene, shop: str, order_id: str) -> None:
    """A version of the order's logistics: parcels shipped or not, signed or not, in the past or too far ahead."""
    items = scene.orders[shop, order_id]
    ids = [each["order_item_id"] for each in items]
    known = scene.known_order(shop, order_id)
    version = (known["version"] if known else 0) + rng.choice((1, 1, 1, 1, 2, 0, -1))
    halves = [ids] if len(ids) == 1 or rng.random() < 0.6 else [ids[:1], ids[1:]]
    if rng.random() < 0.1:
        halves.append(ids[:1])
    if rng.random() < 0.04:
        halves = halves[1:]
    parcels = [_parcel(rng, scene, n, half) for n, half in enumerate(halves)]
    change: Json = {
        "order_id": order_id,
        "shop_id": shop,
        "version": version,
        "paid_fen": rng.choice((1000, 2500, 9000)),
    }
    if rng.random() < 0.15:
        change["refunded_fen"] = rng.choice((0, 100, 1000))
    if rng.random() < 0.12:
        change["buyer_confirmed_at"] = stamp(scene.at + rng.choice((timedelta(hours=-30), timedelta(minutes=4))))
    if rng.random() < 0.12:
        change["settled_at"] = stamp(scene.at + rng.choice((timedelta(0), timedelta(minutes=9), -timedelta(hours=1))))
    updated_at = scene.at - rng.choice((timedelta(0), timedelta(seconds=1), timedelta(hours=3)))
    value = records.logistics(updated_at, *parcels, **change)
    value["parcels"] = parcels
    scene.say("order-logistics", value)


def _parcel(rng: Random, scene: Scene, number: int, ids: list[str]) -> Json:
    hours = rng.choice((5, 5, 24, 24, 48, 72))
    shipped_at = None if rng.random() < 0.06 else scene.at - timedelta(hours=hours)
    if rng.random() < 0.06:
        shipped_at = scene.at + timedelta(minutes=5, milliseconds=rng.choice((0, 1, 300_000, 600_000)))
    change: Json = {"parcel_id": f"parcel-{number}", "delivery": "in_transit"}
    if rng.random() < 0.3:
        change |= {"signed_at": stamp(scene.at - timedelta(hours=rng.choice((1, 4, 24)))), "delivery": "signed"}
    if rng.random() < 0.1:
        change["delivery"] = rng.choice(("waiting", "pickup_point", "signed", "rejected", "lost"))
    return records.parcel(shipped_at, *ids, **change)


def carrier_speaks(rng: Random, scene: Scene) -> None:
    """Logistics for an order, a held one before others."""
    waiting = [(hold.request["shop_id"], hold.request["order_id"]) for hold in scene.oracle.world.holds]
    orders = [each for each in waiting if each in scene.orders] or list(scene.orders)[-8:]
    if not orders:
        return ask(rng, scene)
    ship(rng, scene, *rng.choice(orders))
    return None
