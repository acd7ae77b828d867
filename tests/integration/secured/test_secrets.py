"""What a worker says and serves, at its most talkative: no password, nobody's name, no record."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from app.kafka.acls import User
from app.kafka.reader import opened_producer, opened_reader
from schemas.topics import DEAD_LETTER, REFUND_DECISION
from tests import builders
from tests.integration.secured.conftest import Place
from tests.integration.town import ago, home, request
from tests.secured_broker import password_of
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.integration

WAIT_SECONDS_MAX = 60.0
SHOP = "shop-whisper"
NAMES = (SHOP, "buyer-whisper", "order-whisper", "request-whisper", "strategy-whisper", "reason-whisper")
"""They look like nothing else, so that each is found wherever it shows."""
TOP = "autorefund_top_strategy_consumption_ratio{"
"""The one metric that names shops and strategies, on purpose: a few, by how much of their budget is gone."""


async def tell(place: Place) -> None:
    """A strategy, an order, a request that is decided, one that waits, and one that cannot be read."""
    strategy = builders.strategy_value(shop_id=SHOP, strategy_id="strategy-whisper")
    parcel = builders.parcel_value(shipped_at=ago(days=3))
    order = builders.logistics_value(shop_id=SHOP, order_id="order-whisper", parcels=[parcel], updated_at=ago(days=1))
    names = {"shop_id": SHOP, "buyer_id": "buyer-whisper", "reason": "reason-whisper"}
    good = request("whisper", request_id="request-whisper", order_id="order-whisper", **names)
    held = request("whisper", request_id="request-whisper-2", order_id="order-whisper-2", **names)
    for user, topic, value in (
        (User.SELLERS, "strategy-config", strategy),
        (User.ORDERS, "order-logistics", order),
        (User.ORDERS, "after-sale-request", good),
        (User.ORDERS, "after-sale-request", held),
        (User.ORDERS, "after-sale-request", good | {"amount_fen": "buyer-whisper"}),
    ):
        async with opened_producer(place.settings(user)) as producer:
            await producer.send_and_wait(topic, orjson.dumps(value), key=SHOP.encode(), partition=home(SHOP))


async def until_told(place: Place) -> None:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        for topic in (REFUND_DECISION.name, DEAD_LETTER.name):
            while True:
                async with opened_reader(place.settings(User.READER)) as reader:
                    found = [record.value async for record in reader.read(topic)]
                if any(b"request-whisper" in value for value in found):
                    break


async def test_no_log_and_no_port_shows_a_password_or_a_name(topics: Place, tmp_path: Path) -> None:
    """PLAIN sends the password itself: where requests were logged, it would be in the log."""
    worker = WorkerProcess(
        tmp_path / "worker.log",
        topics.environment(
            User.WORKER,
            sasl_mechanism="PLAIN",
            sasl_password_file=None,
            sasl_password=password_of(User.WORKER),
            log_level="DEBUG",
            session_timeout_seconds="6",
            data_dir=str(tmp_path / "data"),
        ),
    )
    try:
        await asyncio.to_thread(worker.wait_until_ready)
        await tell(topics)
        await until_told(topics)
        served = {path: await asyncio.to_thread(worker.get, path) for path in ("/livez", "/readyz", "/metrics", "/")}
        await asyncio.to_thread(worker.terminate)
    finally:
        worker.kill()
    assert served["/metrics"][0] == 200
    letters = [line for line in served["/metrics"][1].splitlines() if line.startswith("autorefund_dead_letters_total{")]
    assert [line for line in letters if line.endswith('topic="after-sale-request"} 1.0')]
    log = worker.log.read_text()
    assert "DEBUG" in log
    for name in (*NAMES, password_of(User.WORKER)):
        where = [line[:300] for line in log.splitlines() if name in line]
        assert not where, (name, where[:3])
        assert not [
            line for _, body in served.values() for line in body.splitlines() if name in line and TOP not in line
        ]
