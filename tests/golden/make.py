"""`python -m tests.golden.make > tests/golden/VERSION.jsonl`: a lane's story, and all that is read and written in it.

One JSON object a line: topic, key and value as text, headers where there are some. Changelogs are those of the app
`autorefund`; a null value deletes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from app.lane_job import Record
from schemas.times import format_time
from schemas.topics import changelog_topic
from tests.builders import (
    AT,
    buyer_list_value,
    control_value,
    item_value,
    later,
    logistics_value,
    parcel_value,
    record,
    request_value,
    result_value,
    shop_cap_value,
    strategy_value,
)
from tests.lane import Lane

__all__ = ["APP_ID", "AWAY", "golden_lane", "story"]

APP_ID = "autorefund"
AWAY = "shop-away"
"""A shop that is at home in another lane."""
BAD_RECORDS = 101
Json = dict[str, Any]
Step = tuple[datetime, list[Record]]


def golden_lane(**more: Any) -> Lane:
    """The lane of the story."""
    return Lane(partition_of=lambda shop_id: int(shop_id == AWAY), **more)


def story() -> Iterator[Step]:
    """Batches, each with its time."""
    full = strategy_value(
        shop_id="shop-2", strategy_id="s-full", version=3, priority=5, owner="platform", per_order_cap_fen=1500,
        daily_cap_fen=90_000, risk_check=False, breaker={"max_approvals": 1, "per_minutes": 60},
        product_scope={"mode": "include", "product_ids": ["p-1"], "excluded_product_ids": ["p-9"]},
        order_states={
            "shipped_not_received": {"enabled": True, "min_days": 1, "max_days": 9}, "received": {"enabled": False}
        },
        execution_windows=[{"start": "08:00", "end": "24:00", "weekdays": [1, 2, 3]}],
        buyer_limits={"max_per_day": 3, "max_per_30_days": 9, "max_amount_per_30_days_fen": 5000},
    )  # fmt: skip
    yield (
        AT,
        [
            _config(strategy_value(daily_cap_fen=1000)),
            _config(strategy_value(strategy_id="s-shadow", mode="shadow", daily_cap_fen=600)),
            _config(strategy_value(strategy_id="s-gone", deleted=True)),
            _config(shop_cap_value(daily_cap_fen=50_000, updated_at=format_time(AT), updated_by="seller")),
            _config(full),
            _config(strategy_value(shop_id="shop-3")),
        ],
    )
    yield (
        later(seconds=1),
        [
            record("control", control_value(scope="global", shop_id=None)),
            record("control", control_value(scope="global", shop_id=None, action="resume")),
            record("control", control_value(shop_id="shop-3")),
            record("buyer-list", buyer_list_value(buyer_id="b-bad", until=format_time(later(days=30)))),
            record("buyer-list", buyer_list_value(shop_id="*", buyer_id="b-worse")),
        ],
    )
    told = logistics_value(
        order_id="o-told", refunded_fen=7, buyer_confirmed_at=format_time(later(days=-1)),
        settled_at=format_time(later(hours=-1)),
        parcels=[parcel_value(delivery="signed", signed_at=format_time(later(days=-1)))],
    )  # fmt: skip
    orders = [logistics_value(order_id=f"o-{number}") for number in (1, 2, 3, 5, 6)]
    full_orders = [logistics_value(order_id=f"o-{number}", shop_id="shop-2") for number in (7, 8)]
    yield later(seconds=2), [record("order-logistics", value) for value in (told, *orders, *full_orders)]
    yield (
        later(seconds=3),
        [
            _request(1, amount_fen=500),
            _request(2, amount_fen=450),
            _request(3, amount_fen=100),
            _request(5, amount_fen=50),
        ],
    )
    yield (
        later(seconds=4),
        [
            record(
                "refund-result", result_value(decision_id="r-1:1", amount_fen=500, at=format_time(later(seconds=4)))
            ),
            record("refund-result", result_value(decision_id="r-5:1", amount_fen=0, status="failed", code="closed")),
        ],
    )
    yield (
        later(seconds=5),
        [record("refund-result", result_value(decision_id="r-1:1", amount_fen=200, status="recovered"))],
    )
    yield later(seconds=6), [
        _request(
            4, amount_fen=40, buyer_claims_received=False, deadline_at=format_time(later(hours=40)),
            items=[item_value(sku_id="sku", category_id="category", amount_fen=40)],
        ),
        _request(6, status="seller_rejected"),
        _request(1, request_version=2, amount_fen=1, status="withdrawn"),
        _request(7, shop_id="shop-2", risk=None),
        _request(8, shop_id="shop-2"),
        _request(9, shop_id=AWAY),
    ]  # fmt: skip
    yield later(seconds=7), [record("after-sale-request", {"shop_id": "shop-1", "bad": n}) for n in range(BAD_RECORDS)]


def _config(value: Json) -> Record:
    return record("strategy-config", value, key=f"{value['shop_id']}|{value['strategy_id']}".encode())


def _request(number: int, **change: Any) -> Record:
    value = request_value(request_id=f"r-{number}", order_id=f"o-{number}") | change
    return record("after-sale-request", value, key=value["shop_id"].encode())


def _lines() -> Iterator[Json]:
    lane, offset = golden_lane(), 0
    for at, records in story():
        placed = []
        for one in records:
            placed.append(Record(one.topic, 0, offset, one.key, one.value))
            offset += 1
            yield _line(one.topic, one.key, one.value)
        effects = lane.process(*placed, at=at)
        for table, puts in effects.puts.items():
            for key, value in puts.items():
                yield _line(changelog_topic(APP_ID, table), key, value)
        for emit in effects.emits:
            yield _line(emit.topic, emit.key, emit.value, emit.headers)


def _line(topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> Json:
    told: Json = {"topic": topic, "key": _text(key), "value": _text(value)}
    return told | ({"headers": {name: header.decode() for name, header in headers}} if headers else {})


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode()


if __name__ == "__main__":
    for line in _lines():
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
