"""Records as senders write them, for `demo` and `load`: valid by default, further fields as asked for. Pure.

`Message` is one record on its way; who publishes it decides when. Values are plain JSON objects and not our models: what
is sent must be what the contract says, whether or not our models would write it so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from schemas.ids import join_key
from schemas.topics import AFTER_SALE_REQUEST, ORDER_LOGISTICS, STRATEGY_CONFIG

__all__ = ["EVERY_PARTITION", "Fields", "Message", "order_message", "request_message", "strategy_message"]

EVERY_PARTITION: Final = "*"
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One record to publish. `shop_id` "*": to every partition. `raw` stands for a value that nobody can read."""

    topic: str
    shop_id: str
    key: str | None
    value: Fields = field(default_factory=dict)
    raw: bytes | None = None
    stray: bool = False
    """Published to another shop's partition, as an upstream with another partitioner would."""

    def body(self) -> bytes:
        """The record's value."""
        return orjson.dumps(self.value) if self.raw is None else self.raw

    def partitions(self, home_of: Callable[[str], int], partitions: int) -> Sequence[int]:
        """Where it goes, of so many; `home_of` gives a shop's partition."""
        if self.shop_id == EVERY_PARTITION:
            return range(partitions)
        return ((home_of(self.shop_id) + self.stray) % partitions,)


def strategy_message(
    shop_id: str, strategy_id: str, *, version: int, name: str, updated_at: str, updated_by: str, **fields: Any
) -> Message:
    """An enabled strategy with the contract's defaults."""
    value: Fields = {
        "schema_version": 1, "strategy_id": strategy_id, "shop_id": shop_id, "version": version, "name": name,
        "enabled": True, "updated_at": updated_at, "updated_by": updated_by,
    }  # fmt: skip
    return Message(STRATEGY_CONFIG.name, shop_id, join_key(shop_id, strategy_id).decode(), value | fields)


def order_message(
    shop_id: str, order_id: str, item_ids: Sequence[str], *, paid_fen: int, updated_at: str,
    shipped_at: str | None = None, signed_at: str | None = None, **fields: Any,
) -> Message:  # fmt: skip
    """An order of one parcel, as far on its way as the times say."""
    parcel: Fields = {"parcel_id": f"P-{order_id}", "order_item_ids": list(item_ids), "delivery": "waiting"}
    if shipped_at is not None:
        parcel |= {"shipped_at": shipped_at, "delivery": "in_transit"}
    if signed_at is not None:
        parcel |= {"signed_at": signed_at, "delivery": "signed"}
    value: Fields = {
        "schema_version": 1, "order_id": order_id, "shop_id": shop_id, "version": 1, "paid_fen": paid_fen,
        "parcels": [parcel], "updated_at": updated_at,
    }  # fmt: skip
    return Message(ORDER_LOGISTICS.name, shop_id, shop_id, value | fields)


def request_message(
    shop_id: str, request_id: str, order_id: str, *, buyer_id: str, amount_fen: int, applied_at: str, items: Sequence[Fields],
    stray: bool = False, **fields: Any,
) -> Message:  # fmt: skip
    """A pending request for a refund without return, of a buyer without risk."""
    value: Fields = {
        "schema_version": 1, "request_id": request_id, "request_version": 1, "shop_id": shop_id, "order_id": order_id,
        "buyer_id": buyer_id, "refund_type": "refund_only", "status": "pending_seller", "reason": "spoiled",
        "amount_fen": amount_fen, "risk": {"level": "normal", "codes": []}, "applied_at": applied_at, "items": list(items),
    }  # fmt: skip
    return Message(AFTER_SALE_REQUEST.name, shop_id, shop_id, value | fields, stray=stray)
