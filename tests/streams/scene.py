"""What a made-up stream knows of itself while it is written: its clock, its cast, and the oracle it peeks into.

Peeking (at remainders of budgets, at approvals to answer with results) is what makes the stream nasty where it hurts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.oracle import Oracle
from tests.oracle.times import civil_day
from tests.streams.records import SHANGHAI, Json, line, stamp

STARTS = (
    datetime(2026, 11, 23, 9, 59, 59, 999_000, tzinfo=SHANGHAI),
    datetime(2026, 11, 23, 23, 50, tzinfo=SHANGHAI),
    datetime(2026, 11, 29, 23, 59, 59, 999_000, tzinfo=SHANGHAI),
    datetime(2026, 12, 31, 12, 0, tzinfo=SHANGHAI),
)
STEPS = (
    timedelta(0),
    timedelta(0),
    timedelta(milliseconds=1),
    timedelta(seconds=1),
    timedelta(seconds=20),
    timedelta(minutes=1),
)
PRODUCTS = ("p1", "p2", "p3")
BUYERS = ("buyer-1", "buyer-2", "buyer-3")
STRATEGIES = ("s1", "s2", "s3")
SHOPS = ("shop-1", "shop-2")
SHOP_WITHOUT_STRATEGY = "shop-9"
ORDERS_ALIVE = 5
AMOUNTS = (0, -1, 1, 999, 1000, 1001, 1999, 2000, 2001)


class Scene:
    """The stream so far. `say` adds a line and lets the oracle hear it."""

    def __init__(self, start: datetime) -> None:
        self.oracle = Oracle()
        self.lines: list[Json] = []
        self.at = start
        self.serial = 0
        self.orders: dict[tuple[str, str], list[Json]] = {}
        self.requests: list[Json] = []

    def say(self, topic: str, value: Json | None, **more: Any) -> None:
        self._say(line(topic, value, self.at, **more))

    def say_raw(self, topic: str, raw: str, key: str | None = None) -> None:
        self._say({"topic": topic, "key": key, "raw": raw, "at": stamp(self.at)})

    def say_clock(self) -> None:
        self._say({"at": stamp(self.at)})

    def _say(self, said: Json) -> None:
        self.lines.append(said)
        self.oracle.feed(said)

    def step(self, rng: Random) -> None:
        self.at += rng.choice(STEPS)

    def next_serial(self) -> int:
        self.serial += 1
        return self.serial

    def shop(self, rng: Random) -> str:
        return SHOP_WITHOUT_STRATEGY if rng.random() < 0.03 else rng.choice(SHOPS)

    def order(self, rng: Random, shop: str) -> tuple[str, list[Json]]:
        """One of the shop's last few orders, or a new one: (order_id, its items)."""
        alive = [order_id for owner, order_id in self.orders if owner == shop][-ORDERS_ALIVE:]
        if len(alive) < ORDERS_ALIVE or rng.random() < 0.4:
            order_id = f"o{self.next_serial()}"
            items = [
                {
                    "order_item_id": f"{order_id}-{n}",
                    "product_id": rng.choice(PRODUCTS),
                    "quantity": 1,
                    "amount_fen": 700,
                }
                for n in range(rng.choice((1, 1, 2, 3)))
            ]
            self.orders[shop, order_id] = items
            return order_id, items
        order_id = rng.choice(alive)
        return order_id, self.orders[shop, order_id]

    def known_order(self, shop: str, order_id: str) -> Json | None:
        return self.oracle.world.orders.get((shop, order_id))

    def strategies(self, shop: str) -> list[Json]:
        return [each for (owner, _), each in self.oracle.world.strategies.items() if owner == shop]

    def amount(self, rng: Random, shop: str) -> int:
        """An amount of interest: the announced limits, what is left of a budget today, that and a fen more."""
        left = [1, 700]
        today = civil_day(self.at)
        for strategy in self.strategies(shop):
            rest = strategy["daily_cap_fen"] - self.oracle.world.book.spent(shop, strategy["strategy_id"], today)
            left += [rest, rest + 1, rest * 95 // 100, strategy["per_order_cap_fen"], strategy["per_order_cap_fen"] + 1]
        cap = self.oracle.world.shop_caps.get(shop)
        if cap is not None:
            rest = cap["daily_cap_fen"] - self.oracle.world.book.spent_by_shop(shop, today)
            left += [rest, rest + 1]
        small = [each for each in left if 0 < each <= 2000]
        kind = rng.random()
        if kind < 0.12:
            return rng.choice(AMOUNTS)
        if kind < 0.45 and small:
            return rng.choice(small)
        return rng.choice((1, 100, 300, 500, 900, 950, 1000))

    def applied_at(self, rng: Random, shop: str, order_id: str) -> datetime:
        """When the buyer applied: just now, long ago, at the edge of a state's days, at the edge of a window."""
        edges = [self.at, self.at, self.at - timedelta(minutes=3), self.at + timedelta(minutes=5)]
        order = self.known_order(shop, order_id)
        for parcel in order["parcels"] if order else []:
            for anchor in (parcel["shipped_at"], parcel["signed_at"]):
                if anchor is not None:
                    edges += [anchor + timedelta(days=n) for n in (0, 1, 2)]
                    edges += [anchor + timedelta(days=1, milliseconds=1), anchor - timedelta(milliseconds=1)]
        midnight = self.at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
        edges += [midnight, midnight - timedelta(milliseconds=1), midnight + timedelta(hours=6)]
        edges += [midnight + timedelta(hours=22), midnight + timedelta(hours=22) - timedelta(milliseconds=1)]
        possible = [each for each in edges if each <= self.at + timedelta(minutes=5)]
        return self.at if rng.random() < 0.45 else rng.choice(possible)

    def due_times(self) -> list[datetime]:
        return [hold.due for hold in self.oracle.world.holds]

    def times_of_interest(self) -> list[datetime]:
        """Where the clock may jump: hold dues, midnights, the end of a breaker's or a block's span, 30 days on."""
        midnight = self.at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        times = [midnight, midnight, midnight - timedelta(milliseconds=1), midnight + timedelta(hours=6)]
        times += [self.at + timedelta(minutes=m) for m in (1, 5, 10)]
        times += [due + timedelta(milliseconds=ms) for due in self.due_times() for ms in (0, 0, -1)]
        times += [entry["until"] for entry in self.oracle.world.blocks.values() if entry["until"] is not None]
        return [each for each in times if each >= self.at]
