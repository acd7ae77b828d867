"""All that is remembered, as plain lists and dicts, and the sums a reader would do over them with a pencil."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.oracle.fields import Json
from tests.oracle.times import civil_day

Shop = str


@dataclass
class Hold:
    """domain [43]: a request that waits for its order's logistics."""

    due: datetime
    arrival: int
    request: Json


@dataclass
class Approval:
    """One approval and what became of it. `executed_fen` means something once it succeeded."""

    decision_id: str
    strategy: Json
    request: Json
    at: datetime
    state: str = "reserved"
    executed_fen: int = 0
    succeeded_at: datetime | None = None

    @property
    def day(self) -> date:
        """domain [6]: the day of the decision."""
        return civil_day(self.at)

    def counts_fen(self) -> int:
        """domain [17, 18, 52]: what of it is executed or reserved now."""
        if self.state == "reserved":
            return int(self.request["amount_fen"])
        return self.executed_fen if self.state == "succeeded" else 0

    def is_undone(self) -> bool:
        return self.state in ("failed", "cancelled")


@dataclass
class Book:
    """A budget's history: the shop's real approvals, or the imagined ones of shadow strategies."""

    approvals: list[Approval] = field(default_factory=list)
    tripped: set[tuple[Shop, str, int]] = field(default_factory=set)

    def spent(self, shop: Shop, strategy_id: str, day: date) -> int:
        """contract, 3: executed + reserved of that strategy and day."""
        return sum(
            each.counts_fen()
            for each in self.approvals
            if each.request["shop_id"] == shop and each.strategy["strategy_id"] == strategy_id and each.day == day
        )

    def spent_by_shop(self, shop: Shop, day: date) -> int:
        """domain [55]: executed + reserved over all strategies of the shop."""
        return sum(each.counts_fen() for each in self.approvals if each.request["shop_id"] == shop and each.day == day)


@dataclass
class World:
    strategies: dict[tuple[Shop, str], Json] = field(default_factory=dict)
    shop_caps: dict[Shop, Json] = field(default_factory=dict)
    orders: dict[tuple[Shop, str], Json] = field(default_factory=dict)
    records: dict[tuple[Shop, str, int], Json] = field(default_factory=dict)
    newest: dict[tuple[Shop, str], int] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    blocks: dict[tuple[Shop, str], Json] = field(default_factory=dict)
    halted_shops: set[Shop] = field(default_factory=set)
    halted_everywhere: bool = False
    book: Book = field(default_factory=Book)
    shadow_book: Book = field(default_factory=Book)
    armed: dict[tuple[Shop, str, date], bool] = field(default_factory=dict)
    threshold_alerts: dict[tuple[Shop, str, date], int] = field(default_factory=dict)
    cap_alerts: set[tuple[Any, ...]] = field(default_factory=set)
    dead_letters: list[datetime] = field(default_factory=list)
    burst_at: datetime | None = None

    def order_of(self, request: Json) -> Json | None:
        """domain [40]: an order is (shop_id, order_id)."""
        return self.orders.get((request["shop_id"], request["order_id"]))

    def approvals_on_order(self, request: Json) -> list[Approval]:
        """The auto-approvals on the request's order, failed and cancelled ones excepted [2, 45, 49]."""
        return [
            each
            for each in self.book.approvals
            if each.request["shop_id"] == request["shop_id"]
            and each.request["order_id"] == request["order_id"]
            and not each.is_undone()
        ]

    def approvals_of_buyer(self, request: Json) -> list[Approval]:
        """domain [37]: approvals of that buyer in that shop."""
        return [
            each
            for each in self.book.approvals
            if each.request["shop_id"] == request["shop_id"] and each.request["buyer_id"] == request["buyer_id"]
        ]

    def strategies_of(self, shop: Shop, mode: str) -> list[Json]:
        """Strategies of the shop in this mode; deleted ones are none [62]."""
        return [
            each
            for (owner, _), each in self.strategies.items()
            if owner == shop and each["mode"] == mode and not each["deleted"]
        ]


@dataclass
class Case:
    """One request looked at, at one instant, for these strategies and their budget book."""

    request: Json
    now: datetime
    strategies: list[Json]
    book: Book
    ended_by: str | None = None

    @property
    def item_ids(self) -> set[str]:
        return {each["order_item_id"] for each in self.request["items"]}
