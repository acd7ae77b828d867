"""The two that are held against each other: the naive oracle and the product's replay, each as lines in, outputs a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.oracle import Oracle
from tests.oracle.times import instant

Json = dict[str, Any]
Engine = Callable[[list[Json]], list[list[Json]]]


def oracle(lines: list[Json]) -> list[list[Json]]:
    """The oracle's outputs, line by line."""
    naive = Oracle()
    return [naive.feed(line) for line in lines]


def product(lines: list[Json]) -> list[list[Json]]:
    """The product's outputs, line by line: an output belongs to the line that was last pulled when it came."""
    from app.replay import replay_lines

    pulled: list[list[Json]] = []

    def source() -> Iterator[Json]:
        for line in lines:
            pulled.append([])
            yield line

    for output in replay_lines(source()):
        pulled[-1].append(output)
    assert len(pulled) == len(lines), "the replay did not read to the end"
    return pulled


ENGINES: dict[str, Engine] = {"oracle": oracle, "product": product}

DECISION_FIELDS = (
    "schema_version",
    "decision_id",
    "request_id",
    "request_version",
    "shop_id",
    "order_id",
    "buyer_id",
    "outcome",
    "strategy_id",
    "strategy_version",
    "provenance",
    "amount_fen",
    "spend_day",
    "spent_before_fen",
    "spent_after_fen",
    "daily_cap_fen",
)
ALERT_FIELDS = ("kind", "shop_id", "strategy_id", "spend_day", "spent_fen", "daily_cap_fen", "consumption_percent")


def compared(output: Json, all_reasons: bool = False) -> str:
    """What is compared of one output, as text that can be sorted and shown. Times are compared as instants."""
    topic, value = output["topic"], output["value"]
    part: Json = {"key": output["key"]}
    if topic == "refund-decision":
        cut = slice(None) if all_reasons else slice(1)
        part |= {name: value[name] for name in DECISION_FIELDS if name in value}
        part |= {name: instant(value[name]).timestamp() for name in ("applied_at", "decided_at", "deadline_at")}
        part["reasons"] = value["reasons"][cut]
        part["shadow"] = sorted(
            ({**each, "reasons": each["reasons"][cut]} for each in value["shadow"]),
            key=lambda each: str(each["strategy_id"]),
        )
    elif topic == "refund-alert":
        part |= {name: value[name] for name in ALERT_FIELDS if name in value}
    else:
        part = {"topic": value["topic"], "raw": plain(value["raw"])}
    return f"{topic} {json.dumps(part, sort_keys=True)}"


def plain(raw: Any) -> Any:
    """A dead letter's raw bytes as the JSON they are, where they are some: its spelling is nobody's promise."""
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw
