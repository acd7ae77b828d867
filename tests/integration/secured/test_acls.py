"""Every user works with exactly what deploy/security.md gives it; the worker names whatever of it is missing."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from app.errors import CommandFailed
from app.kafka.acls import Acl, Operation, Resource, User, acls, commands
from app.kafka.allowed import check_allowed
from app.kafka.reader import opened_producer
from app.kafka.security import client_security
from tests import builders
from tests.acl_client import AclClient, acl_client, singles
from tests.integration.secured.conftest import ROOT, Place
from tests.integration.town import ago, home, request
from tests.secured_broker import ADMIN
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.integration

APP_ID = "autorefund"
WAIT_SECONDS_MAX = 60.0
SETTLE_SECONDS_MAX = 10.0
"""Until a broker heeds what the controller has noted."""
WORKERS = [acl for acl in acls(APP_ID) if acl.user is User.WORKER]


def described(acl: Acl) -> str:
    return f"{acl.operations[0]} on {acl.resource.replace('-', ' ')} {acl.names[0]}"


async def until(done: Callable[[], Awaitable[bool]], seconds_max: float = WAIT_SECONDS_MAX) -> None:
    deadline = monotonic() + seconds_max
    while not await done():
        assert monotonic() < deadline
        await asyncio.sleep(0.05)


async def send(place: Place, user: User, topic: str, *values: Any, partition: int | None = None) -> None:
    """As this user, to the shop's partition."""
    async with opened_producer(place.settings(user)) as producer:
        for value in values:
            raw = value if isinstance(value, bytes) else orjson.dumps(value)
            where = home("shop-1") if partition is None else partition
            await producer.send_and_wait(topic, raw, key=b"shop-1", partition=where)


async def read(place: Place, user: User, topic: str, number: int) -> list[dict[str, Any]]:
    """The topic's first records, as a member of the user's own group."""
    settings = place.settings(user)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.brokers,
        group_id=user.value,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **client_security(settings),
    )
    await consumer.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            found = [orjson.loads((await consumer.getone()).value) for _ in range(number)]
        await consumer.commit()
        return found
    finally:
        await consumer.stop()


@pytest.fixture
async def admin(topics: Place) -> AsyncIterator[AclClient]:
    async with acl_client(topics.settings(ADMIN)) as client:
        yield client


@pytest.fixture
def worker(topics: Place, tmp_path: Path) -> Any:
    """A running worker, as the worker's user."""
    process = WorkerProcess(
        tmp_path / "worker.log",
        topics.environment(User.WORKER, session_timeout_seconds="6", data_dir=str(tmp_path / "data")),
    )
    process.wait_until_ready()
    yield process
    process.kill()


async def test_everybody_can_work_with_what_the_table_gives(
    topics: Place, worker: WorkerProcess, tmp_path: Path
) -> None:
    strategy = builders.strategy_value()
    parcel = builders.parcel_value(shipped_at=ago(days=3))
    orders = [builders.logistics_value(order_id=f"o-{n}", parcels=[parcel], updated_at=ago(days=1)) for n in (1, 2, 3)]
    await send(topics, User.SELLERS, "strategy-config", strategy, strategy | {"version": 2, "per_order_cap_fen": 2001})
    await send(topics, User.ORDERS, "order-logistics", *orders)
    await send(topics, User.ORDERS, "after-sale-request", request(1), b"no request")
    await send(topics, User.ORDERS, "after-sale-request", request(2), partition=(home("shop-1") + 1) % 3)

    decisions = await read(topics, User.EXECUTOR, "refund-decision", 2)
    assert {one["reasons"][0] for one in decisions} == {"approved"}
    result = builders.result_value(decision_id="r-1:1", amount_fen=100, at=ago(seconds=0))
    await send(topics, User.EXECUTOR, "refund-result", result)
    (alert,) = await read(topics, User.NOTIFIER, "refund-alert", 1)
    assert alert["kind"] == "config_rejected"

    draft, mended = tmp_path / "draft.json", tmp_path / "mended.json"
    draft.write_text(json.dumps(strategy | {"version": 1, "name": "another"}))
    mended.write_text(json.dumps(request(3)))
    _, listed = await asyncio.to_thread(topics.run, User.READER, "dead-letters", "list")
    (place_of_it,) = [line.split()[0] for line in listed.splitlines() if line.endswith("no request")]
    for user, said, *arguments in (
        (User.READER, "approved", "explain", "r-1", "--lang", "en"),
        (User.READER, "s-1", "strategies", "show"),
        (User.READER, "", "halt", "--show"),
        (User.READER, "not JSON", "dead-letters", "list"),
        (User.READER, "", "backtest", str(draft)),
        (User.STRATEGIES, "version 2 is published", "strategies", "set", str(draft), "--by", "me", "--expect", "1"),
        (User.SWITCH, "halt: shop shop-9", "halt", "--shop", "shop-9", "--by", "me", "--reason", "a test"),
        (User.SWITCH, "resume: shop shop-9", "resume", "--shop", "shop-9", "--by", "me", "--reason", "a test"),
        (User.DEAD_LETTERS, "1", "dead-letters", "replay", place_of_it, "--value", str(mended)),
    ):
        code, told = await asyncio.to_thread(topics.run, user, *arguments)
        assert (code, said in told) == (0, True), (user, arguments, told)
    assert (await read(topics, User.EXECUTOR, "refund-decision", 1))[0]["decision_id"] == "r-3:1"
    code, told = await asyncio.to_thread(topics.run, User.READER, "audit")
    assert code == 0, told


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (("halt", "--global", "--by", "me", "--reason", "why not"), "transactional id autorefund-control"),
        (("topics", "--check"), "topic"),
    ],
)
def test_a_reader_can_do_no_more_than_read(topics: Place, arguments: tuple[str, ...], refused: str) -> None:
    code, told = topics.run(User.READER, *arguments)
    assert code == 1
    assert f"not authorized for {refused}" in told


@pytest.mark.parametrize("user", [User.ORDERS, User.SWITCH])
def test_who_may_not_see_a_topic_is_told_so(topics: Place, user: User) -> None:
    code, told = topics.run(user, "dead-letters", "list")
    assert code == 1
    assert "not authorized for topic dead-letter" in told


async def test_the_start_names_each_authorization_that_the_worker_misses(topics: Place, admin: AclClient) -> None:
    """Without one of them, there is no start; with all, there is: so each is needed, and no other."""
    settings = topics.settings(User.WORKER)

    async def told() -> str:
        try:
            await check_allowed(settings, User.WORKER)
        except CommandFailed as failed:
            return str(failed)
        return ""

    for single in singles(WORKERS):
        await admin.take(single)
        wanted = f"not authorized for {described(single)}"

        async def is_told(wanted: str = wanted) -> bool:
            return any(line.startswith(wanted) for line in (await told()).splitlines())

        await until(is_told, SETTLE_SECONDS_MAX)
        assert (await told()).count("not authorized") == 1, await told()
        await admin.give([single])

    async def is_allowed() -> bool:
        return not await told()

    await until(is_allowed, SETTLE_SECONDS_MAX)


@pytest.mark.parametrize("resource", Resource)
async def test_a_worker_that_misses_one_does_not_start(topics: Place, admin: AclClient, resource: Resource) -> None:
    single = next(one for one in singles(WORKERS) if one.resource is resource)
    await admin.take(single)
    try:
        code, said = await asyncio.to_thread(topics.run, User.WORKER, "worker", http_port="0")
    finally:
        await admin.give([single])
    assert code == 1
    assert f"not authorized for {described(single)}" in said
    assert "deploy/security.md" in said


@pytest.mark.parametrize(
    "single",
    [
        Acl(User.WORKER, (Operation.READ,), ("after-sale-request",), ""),
        Acl(User.WORKER, (Operation.READ,), (APP_ID,), "", Resource.GROUP),
        Acl(User.WORKER, (Operation.WRITE,), ("refund-decision",), ""),
        Acl(User.WORKER, (Operation.WRITE,), (f"{APP_ID}-",), "", Resource.TRANSACTIONAL_ID, prefixed=True),
    ],
    ids=described,
)
async def test_a_worker_that_loses_one_at_work_stops_and_names_it(
    topics: Place, admin: AclClient, worker: WorkerProcess, single: Acl
) -> None:
    await admin.take(single)
    try:
        # For each lane a request that is decided at once: whichever writes or fetches first meets the refusal.
        for partition in range(3):
            value = request(f"{single.names[0]}-{partition}", refund_type="exchange")
            await send(topics, User.ORDERS, "after-sale-request", value, partition=partition)
        assert await asyncio.to_thread(worker.wait, WAIT_SECONDS_MAX) == 1
    finally:
        await admin.give([single])
    last = worker.log.read_text().splitlines()[-1]
    what = f"{single.resource.replace('-', ' ')} {single.names[0]}"
    assert last.startswith(f"autorefund: the worker stopped: not authorized for {what}"), last


async def test_kafkas_own_tool_takes_the_commands_that_are_printed(topics: Place, tmp_path: Path) -> None:
    """Those of a second application's worker, which may nothing before."""
    other = topics.settings(User.WORKER, app_id="other")
    with pytest.raises(CommandFailed, match="group other"):
        await check_allowed(other, User.WORKER)
    properties = tmp_path / "admin.properties"
    properties.write_text(topics.broker.client_properties(ADMIN))
    code, printed = topics.run(ADMIN, "topics", "--acls", app_id="other")
    assert code == 0
    assert printed.splitlines() == list(commands("other", topics.broker.address))
    tool = [
        "java",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        str(ROOT / "deploy" / "kafka" / "libs" / "*"),
        "org.apache.kafka.tools.AclCommand",
    ]
    for line in printed.splitlines():
        if f"User:{User.WORKER} " in line:
            call = [*tool, "--command-config", str(properties), *shlex.split(line)[1:]]
            done = await asyncio.to_thread(
                subprocess.run, call, capture_output=True, text=True, timeout=WAIT_SECONDS_MAX
            )
            assert done.returncode == 0, done.stderr
    await check_allowed(other, User.WORKER)
