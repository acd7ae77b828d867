"""The same streams with hostile names: separators in identities, so that keys glued together would collide."""

from __future__ import annotations

import re
from typing import Any

from tests.streams.records import Json

NAMES = {
    "shop-1": "a|b",
    "shop-2": "a",
    "s1": "c",
    "s2": "b|c",
    "s3": "c|2026-11-24",
    "buyer-1": "b|x",
    "buyer-2": "x",
    "buyer-3": "店:买家|\u0000\U0001f600",
}
REQUEST = re.compile(r"r(\d+)")
DECISION = re.compile(r"r(\d+):(\d+)")
ORDER = re.compile(r"o(\d+)")
ITEM = re.compile(r"o(\d+)-(\d+)")


def renamed(text: str) -> str:
    """r4 -> 'r:4'; o12 -> 'o|1|2'; the item o1-0 -> '1|0', o11-0 -> '0': glued to their orders, the two are one."""
    if text in NAMES:
        return NAMES[text]
    if found := REQUEST.fullmatch(text):
        return f"r:{found[1]}"
    if found := DECISION.fullmatch(text):
        return f"r:{found[1]}:{found[2]}"
    if found := ORDER.fullmatch(text):
        return "|".join(("o", *found[1]))
    if found := ITEM.fullmatch(text):
        number, index = found[1], found[2]
        return f"{number}|{index}" if len(number) == 1 else index
    return text


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_value(each) for each in value]
    return renamed(value) if isinstance(value, str) else value


def hostile(lines: list[Json]) -> list[Json]:
    """The stream with all its names changed; topics, times and keys' shapes stay."""
    changed = []
    for line in lines:
        new = dict(line)
        if isinstance(line.get("value"), dict):
            new["value"] = _value(line["value"])
        if line.get("key"):
            new["key"] = "|".join(renamed(part) for part in line["key"].split("|"))
        changed.append(new)
    return changed
