"""Realistic traffic for `load` (domain, "Realistic traffic"). Pure: the same profile, time and tag give the same records.

Time is a number of seconds after `now`, and only that: whoever sends waits until it has come, or is late and sends at once.
Requests arrive as a Poisson process. What belongs to one (its order's news, its repeat, its withdrawal, its edit, the buyer
asking again) waits in a heap until its own time has come; what would come after the end comes at the end.
Refund results are not among it: only who reads the decisions knows what was paid.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from itertools import accumulate, count
from random import Random
from typing import Final, TypeVar

from app.sample_records import Fields, Message, order_message, request_message, strategy_message
from schemas.times import SHANGHAI, format_time

__all__ = ["DUPLICATES_IN_TROUBLE", "Kind", "Planned", "Profile", "Shape", "Traffic"]

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
DUPLICATES: Final = 0.015
DUPLICATES_IN_TROUBLE: Final = 0.1
LATE_LOGISTICS: Final = 0.02
WITHDRAWN: Final = 0.06
ASKED_AGAIN: Final = 0.03
"""Of all requests, so half of the withdrawn ones."""
EDITED: Final = 0.02
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


class Kind(StrEnum):
    """What a record is; the summary counts by it."""

    STRATEGY = "strategy"
    LOGISTICS = "logistics before the request"
    LATE_LOGISTICS = "logistics after the request"
    REQUEST = "new request"
    DUPLICATE = "sent twice"
    WITHDRAWN = "withdrawn"
    ASKED_AGAIN = "asked again"
    EDITED = "edited"


class Shape(StrEnum):
    """How the rate moves over the run."""

    STEADY = "steady"
    EVENING = "evening"
    SALE = "sale"

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """(share of the run, multiple of the rate): the mean of a day, its evening, a sale day and its worst minute."""
        return {
            Shape.STEADY: ((1.0, 1.0),),
            Shape.EVENING: ((0.3, 1.0), (0.5, 15.0), (0.2, 1.0)),
            Shape.SALE: ((0.2, 1.0), (0.3, 52.0), (0.05, 172.0), (0.25, 52.0), (0.2, 1.0)),
        }[self]

    @property
    def mean(self) -> float:
        """The multiple over the whole run."""
        return sum(share * factor for share, factor in self.steps)


@dataclass(frozen=True, slots=True)
class Profile:
    """What traffic is wanted. `rate`: new requests a second, before the shape; all records are some 2.1 times as many."""

    rate: float = 100.0
    seconds: float = 60.0
    requests_max: int | None = None
    """End after exactly so many new requests; `seconds` then only stretches the shape."""
    shops: int = 10_000
    seed: int = 1
    with_strategies: float = 0.25
    """Share of the shops."""
    shape: Shape = Shape.STEADY
    duplicates: float = DUPLICATES

    @property
    def records_expected(self) -> int:
        """About so many, without the strategies."""
        requests = self.requests_max or self.rate * self.shape.mean * self.seconds
        return round(requests * (2 + self.duplicates + WITHDRAWN + ASKED_AGAIN + EDITED))

    @classmethod
    def of_requests(cls, requests: int, rate: float, shape: Shape) -> Profile:
        """So many new requests, however long it takes."""
        return cls(rate=rate, seconds=requests / (rate * shape.mean), requests_max=requests, shape=shape)


@dataclass(frozen=True, slots=True)
class Planned:
    """One record, and when it is due: seconds after the beginning."""

    at_seconds: float
    kind: Kind
    message: Message


class Traffic:
    """The records of one run. `tag` makes the identities of its requests and orders its own; shops are always the same."""

    def __init__(self, profile: Profile, now: datetime, tag: str) -> None:
        self._profile = profile
        self._now = now.astimezone(SHANGHAI)
        self._tag = tag
        self._chance = Random(f"{profile.seed} traffic")
        self._weights = list(accumulate(1 / rank for rank in range(1, profile.shops + 1)))
        self._heap: list[tuple[float, int, Kind, Message]] = []
        self._planned = count()
        self._numbers = count(1)

    def strategies(self) -> Iterator[Planned]:
        """Those of the shops that have any, all due at once. Their version is the time: later runs replace them."""
        chance = Random(f"{self._profile.seed} strategies")
        for rank in range(1, self._profile.shops + 1):
            if chance.random() < self._profile.with_strategies:
                for message in self._strategies_of(_shop(rank), chance):
                    yield Planned(0.0, Kind.STRATEGY, message)

    def records(self) -> Iterator[Planned]:
        """All others, in order of time."""
        end = 0.0
        for at in self._arrivals():
            while self._heap and self._heap[0][0] <= at:
                yield self._pop(at)
            self._plan(at)
            end = at
        while self._heap:
            yield self._pop(end)

    def _pop(self, latest: float) -> Planned:
        at, _, kind, message = heappop(self._heap)
        return Planned(min(at, latest), kind, message)

    def _arrivals(self) -> Iterator[float]:
        profile, at, begins = self._profile, 0.0, 0.0
        left = math.inf if profile.requests_max is None else profile.requests_max
        for share, factor in profile.shape.steps:
            begins += share * profile.seconds
            rate = profile.rate * factor
            while (next_at := at + self._chance.expovariate(rate)) < begins and left:
                at = next_at
                left -= 1
                yield at
            at = max(at, begins) if left else at
        while math.isfinite(left) and left > 0:  # chance was a little slow
            at += self._chance.expovariate(profile.rate * profile.shape.steps[-1][1])
            left -= 1
            yield at

    def _plan(self, at: float) -> None:
        """A buyer applies at `at`; all that comes of it."""
        chance, number = self._chance, next(self._numbers)
        shop_id = _shop(1 + bisect_left(self._weights, chance.random() * self._weights[-1]))
        order_id, amount = f"O{number}-{self._tag}", self._amount()
        items = self._items(order_id, amount)
        late = chance.random() < LATE_LOGISTICS
        logistics = self._order(shop_id, order_id, items, amount, at)
        if late:
            self._push(at + chance.uniform(0.5, 20), Kind.LATE_LOGISTICS, logistics)
        else:
            self._push(at, Kind.LOGISTICS, logistics)
        asks_at = at + chance.uniform(0.2, 1)
        request = self._request(shop_id, f"R{number}-{self._tag}", order_id, items, amount, asks_at)
        self._push(asks_at, Kind.REQUEST, request)
        if chance.random() < self._profile.duplicates:
            self._push(asks_at + chance.uniform(0.01, 5), Kind.DUPLICATE, request)
        fate = chance.random()
        if fate < WITHDRAWN:
            self._withdraw(request, asks_at + chance.uniform(1, 30), again=fate < ASKED_AGAIN)
        elif fate < WITHDRAWN + EDITED:
            self._edit(request, asks_at + chance.uniform(1, 15))

    def _withdraw(self, request: Message, at: float, *, again: bool) -> None:
        value = request.value | {"request_version": 2, "status": "withdrawn"}
        self._push(at, Kind.WITHDRAWN, Message(request.topic, request.shop_id, request.key, value))
        if again:
            at += self._chance.uniform(1, 20)
            own = {"request_id": f"{request.value['request_id']}-again", "applied_at": self._time(at)}
            self._push(at, Kind.ASKED_AGAIN, Message(request.topic, request.shop_id, request.key, request.value | own))

    def _edit(self, request: Message, at: float) -> None:
        """The buyer asks for less: of the first item, so that the items still add up."""
        first = request.value["items"][0]
        less = self._chance.randint(1, first["amount_fen"])
        own = {
            "request_version": 2,
            "amount_fen": request.value["amount_fen"] - first["amount_fen"] + less,
            "items": [first | {"amount_fen": less}, *request.value["items"][1:]],
        }
        self._push(at, Kind.EDITED, Message(request.topic, request.shop_id, request.key, request.value | own))

    def _push(self, at: float, kind: Kind, message: Message) -> None:
        heappush(self._heap, (at, next(self._planned), kind, message))

    def _time(self, at: float, **before: float) -> str:
        return format_time(self._now + timedelta(seconds=at) - timedelta(**before))

    def _amount(self) -> int:
        chance = self._chance
        fen = min(AMOUNT_FEN_MAX, max(1, round(chance.lognormvariate(math.log(MEDIAN_FEN), SIGMA))))
        for begin, end, amounts in CLUSTERS:
            if begin <= fen < end and chance.random() < CLUSTERED:
                return chance.choice(amounts)
        if chance.random() < ENDING_IN_9:
            return max(90, (fen + 60) // 100 * 100 - 10)  # the nearest that ends so
        return fen

    def _items(self, order_id: str, amount: int) -> list[Fields]:
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

    def _order(self, shop_id: str, order_id: str, items: list[Fields], amount: int, at: float) -> Message:
        chance = self._chance
        state = _weighted(STATES, chance)
        days = chance.uniform(0.2, 12)
        return order_message(
            shop_id, order_id, [one["order_item_id"] for one in items],
            paid_fen=amount if chance.random() < 0.6 else amount * chance.randint(2, 4),
            shipped_at=None if state == "waiting" else self._time(at, days=days + 2),
            signed_at=self._time(at, days=days) if state == "received" else None,
            updated_at=self._time(at, hours=1),
        )  # fmt: skip

    def _request(
        self, shop_id: str, request_id: str, order_id: str, items: list[Fields], amount: int, at: float
    ) -> Message:
        chance = self._chance
        level = _weighted(RISKS, chance)
        if chance.random() < KEEN:
            buyer_id = f"buyer-keen-{chance.randint(1, KEEN_BUYERS)}"
        else:
            buyer_id = f"buyer-{chance.randint(1, self._profile.shops * BUYERS_PER_SHOP)}"
        return request_message(
            shop_id, request_id, order_id, buyer_id=buyer_id, amount_fen=amount, applied_at=self._time(at), items=items,
            refund_type=_weighted(REFUND_TYPES, chance), reason=chance.choice(REASONS),
            risk=None if level is None else {"level": level, "codes": [] if level == "normal" else ["many_refunds"]},
        )  # fmt: skip

    def _strategies_of(self, shop_id: str, chance: Random) -> Iterator[Message]:
        version = int(self._now.timestamp() * 1000)
        written: Fields = {"version": version, "updated_at": self._time(0), "updated_by": "load"}
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


def _shop(rank: int) -> str:
    return f"shop-{rank:06}"


def _weighted(options: tuple[list[T], list[int]], chance: Random) -> T:
    """One of the options; the numbers are cumulative, up to 100."""
    return options[0][bisect_left(options[1], 1 + int(chance.random() * 100))]
