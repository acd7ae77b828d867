"""The words of the scenario tables: each `what` as one replay line. Monday is 2026-11-23, day 0 of every story."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.streams import records
from tests.streams.records import SHANGHAI, Json, line, stamp

MONDAY = datetime(2026, 11, 23, tzinfo=SHANGHAI)
TIME = re.compile(r"(?:([+-]\d+)d[/ ])?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3,6}))?)?")
SHORT = {
    "v": "version",
    "shop": "shop_id",
    "buyer": "buyer_id",
    "order": "order_id",
    "amount": "amount_fen",
    "paid": "paid_fen",
    "refunded": "refunded_fen",
    "confirmed": "buyer_confirmed_at",
    "settled": "settled_at",
    "updated": "updated_at",
    "applied": "applied_at",
    "deadline": "deadline_at",
    "claims": "buyer_claims_received",
    "daily": "daily_cap_fen",
    "cap": "per_order_cap_fen",
    "type": "refund_type",
    "special": "special_refund_type",
    "windows": "execution_windows",
    "limits": "buyer_limits",
}
LIMITS = {"day": "max_per_day", "30days": "max_per_30_days", "amount": "max_amount_per_30_days_fen"}


def when(text: str) -> datetime:
    """'10:00', '10:00:00.001', '+1d 00:00' (the day after Monday), '-2d/09:00'."""
    found = TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"not a time: {text!r}")
    days, hours, minutes, seconds, fraction = found.groups()
    micros = int((fraction or "0").ljust(6, "0"))
    clock = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0), microseconds=micros)
    return MONDAY + timedelta(days=int(days or 0)) + clock


def plain_value(text: str) -> Any:
    """A time, a JSON value, a '[a,b]' list of words, or the word itself."""
    if TIME.fullmatch(text):
        return stamp(when(text))
    try:
        return json.loads(text)
    except ValueError:
        if text.startswith("[") and text.endswith("]"):
            return [each for each in text[1:-1].split(",") if each]
        return text


def items(text: str) -> list[Json]:
    """'i1:p1+i2:p2'; the product is p1 where it is left out."""
    pairs = [each.partition(":") for each in text.split("+")]
    return [records.item(item_id, product or "p1") for item_id, _, product in pairs]


def windows(text: str) -> list[Json]:
    """'22:00-06:00@1,7;08:00-09:00'; '@' alone is an empty list of weekdays."""
    built = []
    for each in text.split(";"):
        hours, at, weekdays = each.partition("@")
        start, _, end = hours.partition("-")
        window: Json = {"start": start, "end": end}
        if at:
            window["weekdays"] = [int(day) for day in weekdays.split(",") if day]
        built.append(window)
    return built


def state(text: str) -> Json:
    """'off', 'on', '..2d', '1d..', '1d..2d'."""
    if text in ("on", "off"):
        return {"enabled": text == "on"}
    low, _, high = text.partition("..")
    days = {"min_days": low.removesuffix("d"), "max_days": high.removesuffix("d")}
    return {"enabled": True} | {name: int(value) for name, value in days.items() if value}


def breaker(text: str) -> Json:
    """'3/5m': three approvals in five minutes."""
    approvals, _, minutes = text.removesuffix("m").partition("/")
    return {"max_approvals": int(approvals), "per_minutes": int(minutes)}


def risk(text: str) -> Json | None:
    return None if text == "unknown" else {"level": text, "codes": []}


def limits(text: str) -> Json:
    """'day:2,30days:3,amount:900'."""
    return {LIMITS[name]: int(value) for name, value in (each.split(":") for each in text.split(","))}


def parcel(text: str) -> Json:
    """'i1,i2; shipped -1d/10:00; signed 09:00; delivery lost'; signed goes with delivery signed unless told."""
    ids, *facts = (each.strip() for each in text.split(";"))
    told = dict(fact.split() for fact in facts)
    change: Json = {}
    if "signed" in told:
        change = {"signed_at": stamp(when(told["signed"])), "delivery": "signed"}
    if "delivery" in told:
        change["delivery"] = told["delivery"]
    return records.parcel(when(told["shipped"]) if "shipped" in told else None, *ids.split(","), **change)


VALUES: dict[str, Callable[[str], Any]] = {
    "items": items,
    "windows": windows,
    "breaker": breaker,
    "risk": risk,
    "limits": limits,
}


def changes(words: list[str]) -> Json:
    """'name=value' words as fields; short names are spelled out, dots lead into objects."""
    built: Json = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ValueError(f"not name=value: {word!r}")
        value = VALUES.get(name, plain_value)(text)
        if name in ("shipped_not_received", "received"):
            built.setdefault("order_states", {"shipped_not_received": state("on"), "received": state("on")})
            built["order_states"][name] = state(text)
        elif name in ("scope", "products", "excluded"):
            built.setdefault("product_scope", {"mode": "all", "product_ids": [], "excluded_product_ids": []})
            inner = {"scope": "mode", "products": "product_ids", "excluded": "excluded_product_ids"}[name]
            built["product_scope"][inner] = value
        else:
            built[SHORT.get(name, name)] = value
    return built


class Story:
    """One scenario while it is read: it counts versions, and remembers requests to edit, withdraw and repeat them."""

    def __init__(self) -> None:
        self.at = MONDAY
        self.versions: dict[tuple[str, ...], int] = {}
        self.requests: dict[str, Json] = {}

    def tell(self, at: str, what: str) -> tuple[str, Json]:
        """(whom the row's expectation is about, its replay line)."""
        self.at = when(at) if at else self.at
        verb, *words = re.sub(r"parcel\([^)]*\)", "", what).split()
        parcels = [parcel(each) for each in re.findall(r"parcel\(([^)]*)\)", what)]
        if verb == "clock":
            return "", {"at": stamp(self.at)}
        if verb == "raw":
            topic, text = what.split(maxsplit=2)[1:]
            return "", {"topic": topic, "key": "shop-1", "raw": text, "at": stamp(self.at)}
        if verb == "tombstone":
            return "", line(words[0], None, self.at, key=words[1].replace("/", "|"))
        return getattr(self, "_" + verb)(words, parcels)  # type: ignore[no-any-return]

    def _version(self, *identity: str) -> int:
        self.versions[identity] = self.versions.get(identity, 0) + 1
        return self.versions[identity]

    def _strategy(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        change = changes(words[1:])
        change.setdefault("version", self._version(change.get("shop_id", ""), words[0]))
        return words[0], line("strategy-config", records.config(self.at, strategy_id=words[0], **change), self.at)

    def _shopcap(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        change = changes(words)
        version = change.pop("version", 0) or self._version(change.get("shop_id", ""), "*")
        return "*", line("strategy-config", records.shop_cap(version, **change), self.at)

    def _order(self, words: list[str], parcels: list[Json]) -> tuple[str, Json]:
        change = {"order_id": words[0]} | changes(words[1:])
        change.setdefault("version", self._version(change.get("shop_id", ""), "order", words[0]))
        return words[0], line("order-logistics", records.logistics(self.at, *parcels) | change, self.at)

    def _ask(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        request_id, order_id, amount, *rest = words
        fields = {"request_id": request_id, "order_id": order_id, "amount_fen": int(amount)} | _of_request(rest)
        return self._say(records.request(self.at) | fields)

    def _edit(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        """The same request, one version on, applied now, with what is changed."""
        known = self.requests[words[0]]
        fields = {"request_version": known["request_version"] + 1, "applied_at": stamp(self.at)}
        return self._say(known | fields | _of_request(words[1:]))

    def _repeat(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        """The very same record again, or with what is changed."""
        return self._say(self.requests[words[0]] | _of_request(words[1:]))

    def _say(self, request: Json) -> tuple[str, Json]:
        self.requests[request["request_id"]] = request
        subject = f"{request['request_id']}:{request.get('request_version')}"
        return subject, line("after-sale-request", request, self.at)

    def _result(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        decision_id, status, amount, *rest = words
        fields = {"decision_id": decision_id, "status": status, "amount_fen": int(amount)} | changes(rest)
        return decision_id, line("refund-result", records.result(self.at) | fields, self.at)

    def _block(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        return words[0], line(
            "buyer-list", records.buyer_entry(self.at, buyer_id=words[0]) | changes(words[1:]), self.at
        )

    def _unblock(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        return self._block([*words, "list=none"], [])

    def _halt(self, words: list[str], _: list[Json], action: str = "halt") -> tuple[str, Json]:
        """'halt shop-1' or 'halt global'."""
        where = {"scope": "global"} if words[0] == "global" else {"shop_id": words[0]}
        return words[0], line("control", records.control(self.at, action=action) | where, self.at)

    def _resume(self, words: list[str], _: list[Json]) -> tuple[str, Json]:
        return self._halt(words, [], "resume")


def _of_request(words: list[str]) -> Json:
    change = changes(words)
    if "version" in change:
        change["request_version"] = change.pop("version")
    return change
