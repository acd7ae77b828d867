"""Moves that aim at one edge: a window's hours, the 30 days of a buyer's limit, the last instant of a block."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from tests.streams import records
from tests.streams.buyers_moves import tell
from tests.streams.records import SHANGHAI, Json, stamp
from tests.streams.scene import SHOPS, Scene

MILLISECOND = timedelta(milliseconds=1)
WINDOWS: tuple[list[Json], ...] = (
    [{"start": "22:00", "end": "06:00"}],
    [{"start": "22:00", "end": "06:00", "weekdays": [1, 3, 5]}],
    [{"start": "22:00", "end": "06:00", "weekdays": [7]}, {"start": "06:00", "end": "22:00", "weekdays": [2, 4]}],
    [{"start": "06:00", "end": "22:00"}, {"start": "23:00", "end": "24:00"}],
    [{"start": "00:00", "end": "00:01", "weekdays": [1, 2]}, {"start": "23:59", "end": "00:00", "weekdays": [6, 7]}],
)


def sole_strategy(rng: Random, scene: Scene, shop: str, **change: object) -> None:
    """One roomy strategy that is asked before the others."""
    known = scene.oracle.world.strategies.get((shop, "s1"))
    fixed = {"shop_id": shop, "version": (known["version"] if known else 0) + 1, "priority": -5}
    scene.say("strategy-config", records.config(scene.at, daily_cap_fen=1_000_000) | fixed | change)


def plain_ask(rng: Random, scene: Scene, shop: str, applied_at: datetime, buyer: str = "buyer-1") -> None:
    """A request for a new order against which nothing else speaks."""
    order_id = f"o{scene.next_serial()}"
    items = [records.item(f"{order_id}-0", "p1")]
    scene.orders[shop, order_id] = items
    parcel = records.parcel(scene.at - timedelta(days=20), f"{order_id}-0")
    scene.say("order-logistics", records.logistics(scene.at, parcel, order_id=order_id, shop_id=shop))
    named = {"request_id": f"r{scene.next_serial()}", "shop_id": shop, "order_id": order_id, "buyer_id": buyer}
    tell(scene, records.request(applied_at) | named | {"items": items, "amount_fen": rng.choice((1, 100, 400))})


def window_edges(rng: Random, scene: Scene) -> None:
    """Applications of the last days at the hours where windows open and close, and a millisecond around."""
    shop = rng.choice(SHOPS)
    sole_strategy(rng, scene, shop, execution_windows=rng.choice(WINDOWS))
    midnight = scene.at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(rng.randint(2, 5)):
        hours = timedelta(hours=rng.choice((0, 6, 22, 23)), minutes=rng.choice((0, 0, 1)))
        applied_at = midnight - timedelta(days=rng.randint(0, 7)) + hours + rng.choice((-1, 0, 0, 1)) * MILLISECOND
        plain_ask(rng, scene, shop, min(applied_at, scene.at))


def thirty_days(rng: Random, scene: Scene) -> None:
    """A buyer at the limit, and the clock 28 to 30 midnights later."""
    shop, buyer = rng.choice(SHOPS), f"buyer-{scene.next_serial()}"
    limits = rng.choice(
        ({"max_per_30_days": 1}, {"max_amount_per_30_days_fen": 500}, {"max_per_30_days": 2, "max_per_day": 1})
    )
    sole_strategy(rng, scene, shop, buyer_limits=limits)
    plain_ask(rng, scene, shop, scene.at, buyer)
    midnight = scene.at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    scene.at = midnight + timedelta(days=rng.choice((1, 29, 30, 31))) - rng.choice((0, 1)) * MILLISECOND
    plain_ask(rng, scene, shop, scene.at, buyer)
    plain_ask(rng, scene, shop, scene.at, buyer)


def block_ends(rng: Random, scene: Scene) -> None:
    """A block with an end, and requests around that instant."""
    shop, buyer = rng.choice(SHOPS), f"buyer-{scene.next_serial()}"
    sole_strategy(rng, scene, shop)
    until = scene.at + timedelta(minutes=1)
    entry = {"shop_id": rng.choice((shop, "*")), "buyer_id": buyer, "until": stamp(until)}
    scene.say("buyer-list", records.buyer_entry(scene.at) | entry)
    scene.at = until - rng.choice((0, 1)) * MILLISECOND
    plain_ask(rng, scene, shop, scene.at, buyer)


def up_and_down(rng: Random, scene: Scene) -> None:
    """Consumption over 95 % and back, several times a day: by caps and by failed refunds."""
    shop = rng.choice(SHOPS)
    sole_strategy(rng, scene, shop, daily_cap_fen=rng.choice((400, 1000)))
    plain_ask(rng, scene, shop, scene.at)
    for _ in range(rng.randint(3, 6)):
        scene.step(rng)
        spent = [each.counts_fen() for each in scene.oracle.world.book.approvals[-1:]]
        caps = [value for each in spent for value in (each, each * 2, each * 100 // 95, each * 100 // 95 + 1)]
        sole_strategy(rng, scene, shop, daily_cap_fen=rng.choice([*caps, 100_000]))
