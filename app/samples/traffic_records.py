"""What buyers, orders and shops say in `load`'s traffic: amounts, items, states and risks in the shares of domain, "Realistic
traffic". Pure: what is not said by the caller, the given chance decides.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar

from app.samples.records import Fields, Message, order_message, request_message, strategy_message
from schemas.times import format_time

__all__ = ["Market"]

T = TypeVar("T")

MEDIAN_FEN: Final = 3900
SIGMA: Final = 1.1
AMOUNT_FEN_MAX: Final = 10_000_000
CLUSTERS: Final = ((800, 1300, (1000, 1001)), (1600, 2600, (2000, 2001)))
"""(from, below, amounts): what lies about a cap is often asked for as exactly the cap, or a fen more."""
CLUSTERED: Final = 0.25
"""The share of the amounts in those ranges; so the median of all stays where it is."""
ENDING_IN_9: Final = 0.42
"""Of the other amounts: 40 % of all."""
TWO_ITEMS: Final = 0.1
PRODUCTS_OF_A_SHOP: Final = 50
BUYERS_PER_SHOP: Final = 20
KEEN_BUYERS: Final = 5
"""A few buyers ask again and again, in every shop: one order in fifty is theirs."""
KEEN: Final = 0.02
REFUND_TYPES: Final = (["refund_only", "return_and_refund", "exchange", "resend", "repair"], [80, 92, 96, 98, 100])
REASONS: Final = ("spoiled", "damaged", "missing", "late", "not_as_described", "not_received")
RISKS: Final = (["normal", "elevated", "high", None], [95, 98, 99, 100])
STATES: Final = (["received", "shipped", "waiting"], [60, 95, 100])


class Market:
    """Shops and their buyers, as far as their records go. Times are seconds after `now`."""

    def __init__(self, shops: int, now: datetime, chance: Random) -> None:
        self._shops = shops
        self._now = now
        self._chance = chance

    def time(self, at: float, **before: float) -> str:
        """So many seconds after the beginning, or some time before that."""
        return format_time(self._now + timedelta(seconds=at) - timedelta(**before))

    def amount(self) -> int:
        """What a buyer asks for, in fen."""
        chance = self._chance
        fen = min(AMOUNT_FEN_MAX, max(1, round(chance.lognormvariate(math.log(MEDIAN_FEN), SIGMA))))
        for begin, end, amounts in CLUSTERS:
            if begin <= fen < end and chance.random() < CLUSTERED:
                return chance.choice(amounts)
        if chance.random() < ENDING_IN_9:
            return max(90, (fen + 60) // 100 * 100 - 10)  # the nearest that ends so
        return fen

    def items(self, order_id: str, amount: int) -> list[Fields]:
        """Those of a request; they add up to the amount."""
        amounts = [amount]
        if amount > 1 and self._chance.random() < TWO_ITEMS:
            first = self._chance.randrange(1, amount)
            amounts = [first, amount - first]
        return [
            {"order_item_id": f"{order_id}-{number}", "product_id": self._product(), "quantity": 1, "amount_fen": fen}
            for number, fen in enumerate(amounts, start=1)
        ]

    def _product(self) -> str:
        return f"product-{min(PRODUCTS_OF_A_SHOP, int(self._chance.paretovariate(1)))}"

    def order(self, shop_id: str, order_id: str, items: list[Fields], amount: int, at: float) -> Message:
        """The order's news: received, on its way, or waiting to be shipped."""
        chance = self._chance
        state = _weighted(STATES, chance)
        days = chance.uniform(0.2, 12)
        return order_message(
            shop_id, order_id, [one["order_item_id"] for one in items],
            paid_fen=amount if chance.random() < 0.6 else amount * chance.randint(2, 4),
            shipped_at=None if state == "waiting" else self.time(at, days=days + 2),
            signed_at=self.time(at, days=days) if state == "received" else None,
            updated_at=self.time(at, hours=1),
        )  # fmt: skip

    def request(
        self, shop_id: str, request_id: str, order_id: str, items: list[Fields], amount: int, at: float
    ) -> Message:
        """A buyer applies."""
        chance = self._chance
        level = _weighted(RISKS, chance)
        if chance.random() < KEEN:
            buyer_id = f"buyer-keen-{chance.randint(1, KEEN_BUYERS)}"
        else:
            buyer_id = f"buyer-{chance.randint(1, self._shops * BUYERS_PER_SHOP)}"
        return request_message(
            shop_id, request_id, order_id, buyer_id=buyer_id, amount_fen=amount, applied_at=self.time(at), items=items,
            refund_type=_weighted(REFUND_TYPES, chance), reason=chance.choice(REASONS),
            risk=None if level is None else {"level": level, "codes": [] if level == "normal" else ["many_refunds"]},
        )  # fmt: skip

    def strategies_of(self, shop_id: str, chance: Random) -> Iterator[Message]:
        """One to three strategies. Their version is the time: later runs replace them."""
        version = int(self._now.timestamp() * 1000)
        written: Fields = {"version": version, "updated_at": self.time(0), "updated_by": "load"}
        yield strategy_message(
            shop_id, "small", name="小额秒退", daily_cap_fen=chance.choice((20_000, 100_000, 1_000_000, 10_000_000)),
            per_order_cap_fen=chance.choice((1000, 1000, 2000)), **written,
        )  # fmt: skip
        if chance.random() < 0.3:
            yield strategy_message(
                shop_id, "bestseller", name="爆款包赔", priority=10, per_order_cap_fen=2000, daily_cap_fen=50_000,
                product_scope={"mode": "include", "product_ids": ["product-1", "product-2"]},
                buyer_limits={"max_per_day": 3}, breaker={"max_approvals": 500, "per_minutes": 10}, **written,
            )  # fmt: skip
        if chance.random() < 0.1:
            yield strategy_message(
                shop_id, "trial", name="二十元试算", mode="shadow", per_order_cap_fen=2000, **written
            )


def _weighted(options: tuple[list[T], list[int]], chance: Random) -> T:
    """One of the options; the numbers are cumulative, up to 100."""
    return options[0][bisect_left(options[1], 1 + int(chance.random() * 100))]
