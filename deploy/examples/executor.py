"""A refund executor: pays approved decisions, each once, and reports back. `executor.py LEDGER [GROUP]`, until SIGTERM.

The order is what makes it safe: pay by decision_id -> report -> commit the offset. After a crash in between, Kafka hands
the decision out again; the ledger knows that it is paid, and the worker ignores a result that it has seen.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

BROKERS = os.environ.get("AUTOREFUND_BROKERS", "localhost:9092")


class Ledger:
    """What was paid. It stands for a payment system that takes an idempotency key."""

    def __init__(self, path: str) -> None:
        self._rows = sqlite3.connect(path, isolation_level=None)
        self._rows.execute(
            "CREATE TABLE IF NOT EXISTS paid (decision_id TEXT PRIMARY KEY, amount_fen INTEGER NOT NULL)"
        )

    def pay(self, decision_id: str, amount_fen: int) -> bool:
        """Pay it, unless it is paid already. Durable when it returns."""
        done = self._rows.execute("INSERT OR IGNORE INTO paid VALUES (?, ?)", (decision_id, amount_fen))
        return done.rowcount == 1


def result_of(decision: dict[str, object]) -> dict[str, object]:
    """The refund-result of a paid decision."""
    return {
        "schema_version": 1, "decision_id": decision["decision_id"], "shop_id": decision["shop_id"], "status": "succeeded",
        "amount_fen": decision["amount_fen"], "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }  # fmt: skip


async def handle(decision: dict[str, object], ledger: Ledger, producer: AIOKafkaProducer) -> None:
    """One decision. A manual review is the seller's: nothing to pay, and no rejection either."""
    if decision["outcome"] != "auto_approve":
        return
    paid = ledger.pay(str(decision["decision_id"]), int(str(decision["amount_fen"])))
    print(f"{decision['decision_id']}: {'paid' if paid else 'was paid before'}", flush=True)
    shop_id = str(decision["shop_id"]).encode()
    await producer.send_and_wait("refund-result", json.dumps(result_of(decision)).encode(), key=shop_id)


async def main(ledger: Ledger, group: str) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    consumer = AIOKafkaConsumer(
        "refund-decision", bootstrap_servers=BROKERS, group_id=group, auto_offset_reset="earliest",
        isolation_level="read_committed",  # without it: decisions that were never made
        enable_auto_commit=False,  # with it: a decision may count as done before it is paid
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=BROKERS, acks="all", enable_idempotence=True)
    async with consumer, producer:
        while not stop.is_set():
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    await handle(json.loads(record.value), ledger, producer)
                await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main(Ledger(sys.argv[1]), sys.argv[2] if sys.argv[2:] else "executor"))
