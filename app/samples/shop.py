"""A sample of shops for `demo`: their strategies, orders, and some 200 requests that meet every reason there is.

Pure: the same seed and time give the same messages. A run tag is part of every identity, so that a demo can be
shown again on the same topics. `tests/unit/samples/test_shop.py` holds it to its promise with the real processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from app.samples.records import Fields, Message, order_message, request_message, strategy_message
from schemas.times import SHANGHAI, format_time
from schemas.topics import AFTER_SALE_REQUEST, BUYER_LIST, CONTROL, REFUND_RESULT, STRATEGY_CONFIG

__all__ = ["Sample", "Stage", "build_sample"]

SNACKS: Final = "xiaoman"
HOME: Final = "amumu"
DRESS: Final = "yunshang"
PHONES: Final = "laozhou"
ORCHARD: Final = "guoyuan"
SHOP_NAMES: Final = {SNACKS: "小满零食铺", HOME: "阿木家居", DRESS: "云上女装", PHONES: "老周数码", ORCHARD: "山里果园"}

HOME_CAP_FEN: Final = 12_000

SMALL, FRESH, TRIAL, LAMPS, SIGNED, FRUIT, SLEEPING = "small", "fresh", "trial", "lamps", "signed", "fruit", "sleeping"


@dataclass(frozen=True, slots=True)
class Stage:
    """Messages that are published together; the next stage begins when the worker has taken them all in."""

    title: str
    messages: tuple[Message, ...]
    per_second: int | None = None
    """How quickly; None = at once."""


@dataclass(frozen=True, slots=True)
class Sample:
    """All of it. `decided`: the decisions that must come, each exactly once; `held_to_the_end`: the one that takes a whole hold."""

    stages: tuple[Stage, ...]
    shop_names: Mapping[str, str]
    strategy_names: Mapping[tuple[str, str], str]
    shop_caps: Mapping[str, int]
    decided: frozenset[str]
    held_to_the_end: str
    sent_twice: int


class _Author:
    """Writes messages at one moment, for one run."""

    def __init__(self, now: datetime, tag: str, seed: int) -> None:
        self.now = now.astimezone(SHANGHAI)
        self.tag = tag
        self.random = Random(seed)
        self.version = int(now.timestamp() * 1000)
        self.names: dict[tuple[str, str], str] = {}
        self.numbers: Iterator[int] = iter(range(1, 1_000_000))

    def shop(self, short: str) -> str:
        return f"{short}-{self.tag}"

    def ago(self, **delta: float) -> str:
        return format_time(self.now - timedelta(**delta))

    def strategy(self, shop: str, strategy_id: str, name: str, **fields: Any) -> Message:
        shop_id = self.shop(shop)
        self.names[shop_id, strategy_id] = name
        own: Fields = {"version": self.version, "updated_at": self.ago(minutes=1), "updated_by": "demo"}
        return strategy_message(shop_id, strategy_id, name=name, **own | fields)

    def order(
        self, shop: str, order_id: str, *, state: str = "received", days: float = 3, paid: int = 9900, **fields: Any
    ) -> Message:
        """An order of one parcel: `received` or `shipped` so many days ago, or `waiting`."""
        return order_message(
            self.shop(shop), order_id, [f"{order_id}-1"], paid_fen=paid, updated_at=self.ago(hours=1),
            shipped_at=None if state == "waiting" else self.ago(days=days + 2),
            signed_at=self.ago(days=days) if state == "received" else None, **fields,
        )  # fmt: skip

    def request(
        self, shop: str, amount: int = 590, *, product: str = "nuts", stray: bool = False, **fields: Any
    ) -> Message:
        """A request that the shop's strategy approves, unless a field says otherwise. Its order has the same number."""
        number = next(self.numbers)
        order_id = fields.get("order_id", f"O{number:04}-{self.tag}")
        own: Fields = {
            "shop_id": self.shop(shop), "request_id": f"R{number:04}-{self.tag}", "order_id": order_id,
            "buyer_id": f"buyer-{number:04}", "amount_fen": amount, "applied_at": self.ago(seconds=1),
            "items": [{"order_item_id": f"{order_id}-1", "product_id": product, "quantity": 1, "amount_fen": amount}],
        }  # fmt: skip
        return request_message(**own | fields, stray=stray)

    def result(self, of: Message, status: str) -> Message:
        value = {
            "schema_version": 1, "decision_id": _decision_id(of), "shop_id": of.shop_id, "status": status,
            "amount_fen": of.value["amount_fen"], "at": format_time(self.now),
        }  # fmt: skip
        return Message(REFUND_RESULT.name, of.shop_id, of.shop_id, value)

    def switch(self, shop: str, action: str, reason: str) -> Message:
        value = {
            "schema_version": 1, "scope": "shop", "shop_id": self.shop(shop), "action": action, "reason": reason,
            "by": "demo", "at": format_time(self.now),
        }  # fmt: skip
        return Message(CONTROL.name, "*", None, value)


def _strategies(author: _Author) -> list[Message]:
    later = author.now + timedelta(hours=3)
    closed_now = {"start": later.strftime("%H:00"), "end": (later + timedelta(hours=1)).strftime("%H:00")}
    caps = author.shop(HOME)
    shop_cap = {
        "schema_version": 1,
        "strategy_id": "*",
        "shop_id": caps,
        "version": author.version,
        "daily_cap_fen": 12_000,
    }
    return [
        author.strategy(SNACKS, SMALL, "小额秒退", daily_cap_fen=30_000, product_scope={"excluded_product_ids": ["berries"]}),
        author.strategy(
            SNACKS, FRESH, "生鲜坏单包赔", priority=10, per_order_cap_fen=2000, daily_cap_fen=60_000,
            product_scope={"mode": "include", "product_ids": ["berries"]}, buyer_limits={"max_per_day": 2},
        ),
        author.strategy(SNACKS, TRIAL, "二十元试算", mode="shadow", per_order_cap_fen=2000),
        author.strategy(
            HOME, LAMPS, "灯具夜间退", execution_windows=[closed_now], product_scope={"mode": "include", "product_ids": ["lamp"]},
        ),
        author.strategy(
            HOME, SIGNED, "签收七天内", order_states={"shipped_not_received": {"enabled": False}, "received": {"enabled": True, "max_days": 7}},
            product_scope={"excluded_product_ids": ["lamp", "vase"]},
        ),
        Message(STRATEGY_CONFIG.name, caps, f"{caps}|*", shop_cap),
        author.strategy(DRESS, SLEEPING, "还没想好", enabled=False),
        author.strategy(ORCHARD, FRUIT, "坏果包赔", breaker={"max_approvals": 8, "per_minutes": 10}),
        # refused: the announcement allows ¥20 at most; the version before it stays in force
        author.strategy(ORCHARD, FRUIT, "坏果包赔", per_order_cap_fen=2001, version=author.version + 1),
    ]  # fmt: skip


def _cases(author: _Author) -> tuple[list[Message], list[Message]]:
    """One request or a few for each reason that the ladder can give at once: (orders, requests)."""
    orders: list[Message] = []
    requests: list[Message] = []

    def case(shop: str, amount: int = 590, *, order: Fields | None = None, **fields: Any) -> Message:
        request = author.request(shop, amount, **fields)
        orders.append(author.order(shop, request.value["order_id"], **(order or {})))
        requests.append(request)
        return request

    case(PHONES)
    case(DRESS)
    case(SNACKS, refund_type="return_and_refund")
    case(SNACKS, special_refund_type="price_protection")
    case(SNACKS, currency="USD")
    case(SNACKS, 0)
    case(SNACKS, 900, order={"paid": 600})
    case(SNACKS, order={"state": "waiting"})
    case(SNACKS, order={"settled_at": author.ago(hours=2)})
    case(SNACKS, order={"state": "shipped"}, buyer_claims_received=True)
    case(SNACKS, 1000)
    case(SNACKS, 1001)
    case(SNACKS, risk={"level": "high", "codes": ["many_addresses"]})
    case(SNACKS, risk=None)
    case(SNACKS, buyer_id=f"buyer-blocked-{author.tag}")
    case(HOME, product="vase")
    case(HOME, product="lamp")
    case(HOME, order={"state": "shipped"})
    case(HOME, order={"days": 9})
    for _ in range(4):
        case(SNACKS, 1880, product="berries", buyer_id="buyer-keen")
    first = case(SNACKS, 1500, product="berries")
    requests.append(
        author.request(SNACKS, 300, product="berries", order_id=first.value["order_id"], items=first.value["items"])
    )
    rejected = case(SNACKS, product="berries", status="seller_rejected")
    requests.append(author.request(SNACKS, product="berries", order_id=rejected.value["order_id"]))
    newer = case(SNACKS, 1200, product="berries", request_version=2)
    requests.append(
        Message(newer.topic, newer.shop_id, newer.key, newer.value | {"request_version": 1, "amount_fen": 1900})
    )
    case(SNACKS, product="berries", stray=True)
    return orders, requests


def _traffic(author: _Author) -> tuple[list[Message], list[Message]]:
    """Ordinary requests, mixed: they use up a strategy's day, a shop's day, and trip a breaker."""
    shops = [SNACKS] * 95 + [HOME] * 32 + [ORCHARD] * 18
    author.random.shuffle(shops)
    requests = []
    for shop in shops:
        product = "berries" if shop == SNACKS and author.random.random() < 0.15 else "nuts"
        amount = author.random.choice([290, 350, 490, 590, 660, 790, 880, 990, 990, 1000, 1001, 1280, 1990])
        requests.append(author.request(shop, amount, product=product))
    return [author.order(_short(one), one.value["order_id"]) for one in requests], requests


def _short(message: Message) -> str:
    return message.shop_id.partition("-")[0]


def _decision_id(request: Message) -> str:
    return f"{request.value['request_id']}:{request.value['request_version']}"


def build_sample(now: datetime, tag: str, seed: int) -> Sample:
    """The sample at the time `now` (aware). `tag` makes its identities its own: a few letters or digits."""
    author = _Author(now, tag, seed)
    shops = {author.shop(short): name for short, name in SHOP_NAMES.items()}
    blocked = {
        "schema_version": 1, "shop_id": "*", "buyer_id": f"buyer-blocked-{tag}", "list": "block",
        "reason": "225 refund-only orders", "by": "demo", "at": author.ago(days=1),
    }  # fmt: skip
    case_orders, cases = _cases(author)
    traffic_orders, traffic = _traffic(author)
    waiting = [author.request(SNACKS, 1390, product="berries") for _ in range(3)]
    gone, lost = author.request(SNACKS, 1290, product="berries"), author.request(SNACKS, 1190, product="berries")
    halted = author.request(HOME)
    paid = [one for one in cases if one.value.get("amount_fen") == 1880][:2]
    again = [*traffic[:5], cases[0]]
    conflict = Message(traffic[5].topic, traffic[5].shop_id, traffic[5].key, traffic[5].value | {"reason": "changed"})
    unreadable = Message(AFTER_SALE_REQUEST.name, author.shop(SNACKS), author.shop(SNACKS), raw=b'{"request_id": "R')
    withdrawn = Message(gone.topic, gone.shop_id, gone.key, gone.value | {"request_version": 2, "status": "withdrawn"})
    stages = (
        Stage("sellers switch their strategies on; orders are known", (
            *_strategies(author), Message(BUYER_LIST.name, "*", f"*|buyer-blocked-{tag}", blocked), *case_orders, *traffic_orders,
            author.order(HOME, halted.value["order_id"]),
        )),
        Stage("buyers ask for refunds", (*cases, *traffic, *waiting, gone, lost), per_second=40),
        Stage("upstream repeats itself; one body changed, one broke", (*again, conflict, unreadable)),
        Stage("logistics arrive late; a buyer withdraws; one refund is paid, one fails", (
            *(author.order(SNACKS, one.value["order_id"]) for one in waiting), withdrawn,
            author.result(paid[0], "succeeded"), author.result(paid[1], "failed"),
        )),
        Stage(f"{SHOP_NAMES[HOME]} pulls the switch", (author.switch(HOME, "halt", "too many at once"),)),
        Stage("one more asks there; the switch goes back", (halted, author.switch(HOME, "resume", "looked at"))),
    )  # fmt: skip
    return Sample(
        stages=stages,
        shop_names=shops,
        strategy_names=author.names,
        shop_caps={author.shop(HOME): HOME_CAP_FEN},
        decided=_decided([*cases, *traffic, *waiting, gone, lost, halted]),
        held_to_the_end=_decision_id(lost),
        sent_twice=len(again),
    )


def _decided(requests: Sequence[Message]) -> frozenset[str]:
    return frozenset(_decision_id(one) for one in requests if one.value["status"] == "pending_seller")
