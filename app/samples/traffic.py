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
from datetime import datetime
from enum import StrEnum
from heapq import heappop, heappush
from itertools import accumulate, count
from random import Random
from typing import Final

from app.samples.records import Message
from app.samples.traffic_records import Market
from schemas.times import SHANGHAI

__all__ = ["DUPLICATES_IN_TROUBLE", "Kind", "Planned", "Profile", "Shape", "Traffic"]

DUPLICATES: Final = 0.015
DUPLICATES_IN_TROUBLE: Final = 0.1
LATE_LOGISTICS: Final = 0.02
WITHDRAWN: Final = 0.06
ASKED_AGAIN: Final = 0.03
"""Of all requests, so half of the withdrawn ones."""
EDITED: Final = 0.02


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
        self._tag = tag
        self._chance = Random(f"{profile.seed} traffic")
        self._market = Market(profile.shops, now.astimezone(SHANGHAI), self._chance)
        self._weights = list(accumulate(1 / rank for rank in range(1, profile.shops + 1)))
        self._heap: list[tuple[float, int, Kind, Message]] = []
        self._planned = count()
        self._numbers = count(1)

    def strategies(self) -> Iterator[Planned]:
        """Those of the shops that have any, all due at once."""
        chance = Random(f"{self._profile.seed} strategies")
        for rank in range(1, self._profile.shops + 1):
            if chance.random() < self._profile.with_strategies:
                for message in self._market.strategies_of(_shop(rank), chance):
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
        order_id, amount = f"O{number}-{self._tag}", self._market.amount()
        items = self._market.items(order_id, amount)
        late = chance.random() < LATE_LOGISTICS
        logistics = self._market.order(shop_id, order_id, items, amount, at)
        if late:
            self._push(at + chance.uniform(0.5, 20), Kind.LATE_LOGISTICS, logistics)
        else:
            self._push(at, Kind.LOGISTICS, logistics)
        asks_at = at + chance.uniform(0.2, 1)
        request = self._market.request(shop_id, f"R{number}-{self._tag}", order_id, items, amount, asks_at)
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
            own = {"request_id": f"{request.value['request_id']}-again", "applied_at": self._market.time(at)}
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


def _shop(rank: int) -> str:
    return f"shop-{rank:06}"
