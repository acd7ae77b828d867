"""A broker with TLS, users and ACLs: the worker works there, and whoever is not let in is told why, without a secret."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from app.kafka_security import client_security
from app.settings import load_settings
from tests.integration.town import request
from tests.secured_broker import ADMIN, SecuredBroker, password_of
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
WAIT_SECONDS_MAX = 60
STRANGER = "stranger"
"""Has a password, and no ACL."""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    broker = SecuredBroker(tmp_path_factory.mktemp("secured"), [STRANGER])
    broker.start()
    yield broker
    broker.wipe()


def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit code and all that was said."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env=os.environ | environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS_MAX,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_worker_decides_over_sasl_ssl_and_writes_no_secret(secured: SecuredBroker, tmp_path: Path) -> None:
    environment = secured.environment(ADMIN) | {"AUTOREFUND_PARTITIONS": "3", "AUTOREFUND_LOG_LEVEL": "DEBUG"}
    code, said = command(environment, "topics")
    assert code == 0, said
    worker = WorkerProcess(tmp_path / "worker.log", environment | {"AUTOREFUND_DATA_DIR": str(tmp_path)})
    try:
        worker.wait_until_ready()
        decision = await _decided(environment)
    finally:
        worker.kill()
    assert decision["reasons"] == ["strategy_missing"]
    log = worker.log.read_text()
    assert password_of(ADMIN) not in log + said
    assert "took over" in log


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"AUTOREFUND_SASL_PASSWORD": "wrong", "AUTOREFUND_SASL_PASSWORD_FILE": ""}, f"user {ADMIN} is unknown"),
        ({"AUTOREFUND_SASL_USERNAME": "nobody"}, "user nobody is unknown"),
        ({"AUTOREFUND_TLS_CA_FILE": "OTHER"}, "its certificate is not trusted"),
        (
            {"AUTOREFUND_SECURITY_PROTOCOL": "plaintext", "AUTOREFUND_TLS_CA_FILE": "", "AUTOREFUND_SASL_MECHANISM": "",
             "AUTOREFUND_SASL_USERNAME": "", "AUTOREFUND_SASL_PASSWORD_FILE": ""},
            "it speaks TLS there",
        ),
    ],
)  # fmt: skip
def test_who_is_not_let_in_is_told_why_in_a_line(secured: SecuredBroker, change: dict[str, str], told: str) -> None:
    change = {name: str(secured.other_ca) if value == "OTHER" else value for name, value in change.items()}
    code, said = command(secured.environment(ADMIN) | change, "topics", "--check")
    assert code == 1
    assert told in said
    assert len(said.strip().splitlines()) == 1
    assert password_of(ADMIN) not in said


def test_a_user_without_acls_creates_nothing(secured: SecuredBroker) -> None:
    code, said = command(secured.environment(STRANGER), "topics")
    assert code == 1
    assert "Traceback" not in said


async def _decided(environment: dict[str, str]) -> dict[str, object]:
    """Ask for a refund, and read the decision."""
    security = client_security(load_settings(environment))
    brokers = environment["AUTOREFUND_BROKERS"]
    producer = AIOKafkaProducer(bootstrap_servers=brokers, **security)
    consumer = AIOKafkaConsumer(
        "refund-decision", bootstrap_servers=brokers, auto_offset_reset="earliest",
        isolation_level="read_committed", **security,
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    try:
        await producer.send_and_wait("after-sale-request", orjson.dumps(request(1)), key=b"shop-1")
        until = monotonic() + WAIT_SECONDS_MAX
        while monotonic() < until:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                return dict(orjson.loads(records[0].value))
            await asyncio.sleep(0)
        raise AssertionError("no decision")
    finally:
        await consumer.stop()
        await producer.stop()
