"""A shop system: publishes a strategy, an order and a refund request. `shop_system.py SHOP_ID REQUEST_ID AMOUNT_FEN`"""

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

BROKERS = os.environ.get("AUTOREFUND_BROKERS", "localhost:9092")


def time_before_now(**by: float) -> str:
    """RFC 3339 with an offset."""
    return (datetime.now(UTC) - timedelta(**by)).isoformat(timespec="milliseconds")


def strategy(shop_id: str) -> dict[str, object]:
    """Up to ¥10 a request, ¥1,000 a day, for all products."""
    return {
        "schema_version": 1, "shop_id": shop_id, "strategy_id": "small", "version": time.time_ns(), "name": "小额秒退",
        "enabled": True, "daily_cap_fen": 100_000, "updated_at": time_before_now(), "updated_by": "shop system",
    }  # fmt: skip


def order(shop_id: str, order_id: str, amount_fen: int) -> dict[str, object]:
    """Signed for yesterday."""
    parcel = {
        "parcel_id": f"{order_id}-p", "order_item_ids": [f"{order_id}-1"], "delivery": "signed",
        "shipped_at": time_before_now(days=3), "signed_at": time_before_now(days=1),
    }  # fmt: skip
    return {
        "schema_version": 1, "shop_id": shop_id, "order_id": order_id, "version": 1, "paid_fen": amount_fen,
        "parcels": [parcel], "updated_at": time_before_now(),
    }  # fmt: skip


def request(shop_id: str, request_id: str, order_id: str, amount_fen: int) -> dict[str, object]:
    """Amounts are integers of fen."""
    item = {"order_item_id": f"{order_id}-1", "product_id": "nuts", "quantity": 1, "amount_fen": amount_fen}
    return {
        "schema_version": 1, "shop_id": shop_id, "request_id": request_id, "request_version": 1, "order_id": order_id,
        "buyer_id": "buyer-1", "refund_type": "refund_only", "status": "pending_seller", "reason": "spoiled",
        "amount_fen": amount_fen, "items": [item], "risk": {"level": "normal", "codes": []}, "applied_at": time_before_now(),
    }  # fmt: skip


async def main(shop_id: str, request_id: str, amount_fen: int) -> None:
    """Publish all three, each to the shop's partition."""
    order_id = f"order-of-{request_id}"
    # acks=all and idempotence: nothing is lost, and nothing is doubled by a retry.
    async with AIOKafkaProducer(bootstrap_servers=BROKERS, acks="all", enable_idempotence=True) as producer:

        async def send(topic: str, value: dict[str, object], **place: object) -> None:
            await producer.send_and_wait(topic, json.dumps(value).encode(), **place)

        # A strategy's key is not its shop alone, so the shop's partition must be named.
        partitions = len(await producer.partitions_for("strategy-config"))
        home = (murmur2(shop_id.encode()) & 0x7FFFFFFF) % partitions
        await send("strategy-config", strategy(shop_id), key=f"{shop_id}|small".encode(), partition=home)
        # Here the key is the shop: aiokafka's default partitioner finds the same partition.
        await send("order-logistics", order(shop_id, order_id, amount_fen), key=shop_id.encode())
        await send("after-sale-request", request(shop_id, request_id, order_id, amount_fen), key=shop_id.encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
