"""`topics --grow-to` on a real broker: nothing is decided twice, spent twice or forgotten when shops move to other lanes."""

from __future__ import annotations

import asyncio
from time import monotonic

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from app.errors import CommandFailed
from app.exactly_once.transactions import LaneProducer
from app.kafka import growth
from app.partitions import partitioner
from app.settings import Settings
from app.worker import layer_settings
from schemas.topics import AFTER_SALE_REQUEST, REFUND_DECISION, all_topics
from tests.builders import buyer_list_value, result_value
from tests.integration.test_commands import call
from tests.integration.town import PARTITIONS, Town, ago, home, metric, request

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

GROWN = 2 * PARTITIONS
SHOPS = [f"shop-{number}" for number in range(12)]
STAYS = next(shop for shop in SHOPS if partitioner(GROWN)(shop) == home(shop))
MOVES = next(shop for shop in SHOPS if partitioner(GROWN)(shop) != home(shop))
CAP_FEN = 250
RESULTS_SECONDS_MAX = 20.0


async def send_as(town: Town, partitions: int, topic: str, value: dict[str, object]) -> None:
    """As a sender does who believes in so many partitions."""
    shop_id = str(value["shop_id"])
    await town.send(topic, value, partition=partitioner(partitions)(shop_id))


async def ask(town: Town, partitions: int, shop_id: str, name: str, **change: object) -> None:
    value = request(f"{shop_id}-{name}", shop_id=shop_id, **change)
    await send_as(town, partitions, AFTER_SALE_REQUEST.name, value)


def paid(shop_id: str, name: str) -> dict[str, object]:
    """The executor's word for it, of now."""
    return result_value(decision_id=f"r-{shop_id}-{name}:1", shop_id=shop_id, amount_fen=100, at=ago(seconds=0))


async def open_shops(town: Town) -> None:
    """Each with a strategy of ¥2.50 a day, and five orders."""
    for shop_id in SHOPS:
        await town.strategy(shop_id=shop_id, daily_cap_fen=CAP_FEN)
        for name in "abcde":
            await town.order(f"o-{shop_id}-{name}", shop_id=shop_id)


async def decisions(town: Town, number: int) -> dict[str, dict[str, object]]:
    """By decision id, once there are so many, in the old partitions and in the new ones."""
    records = await town.wait_for(REFUND_DECISION.name, number, partitions=GROWN)
    found = [orjson.loads(one.value) for one in records]
    assert len({one["decision_id"] for one in found}) == len(found) == number
    return {one["decision_id"]: one for one in found}


async def block_everywhere(town: Town, buyer_id: str) -> None:
    for lane in range(PARTITIONS):
        entry = buyer_list_value(shop_id="*", buyer_id=buyer_id, at=ago(seconds=1))
        await town.send("buyer-list", entry, key=f"*|{buyer_id}".encode(), partition=lane)


async def test_shops_keep_their_budgets_switches_and_holds_when_they_move(town: Town) -> None:
    await block_everywhere(town, "b-known")
    worker = town.worker(hold_seconds="3600")
    await open_shops(town)
    for shop_id in SHOPS:
        await ask(town, PARTITIONS, shop_id, "a")  # ¥1.00 of ¥2.50
        await ask(town, PARTITIONS, shop_id, "waits")  # its order is not known yet: it is held
    await town.decisions(len(SHOPS))
    assert (await call(town, "halt", "--shop", MOVES, "--by", "op", "--reason", "odd"))[0] == 0
    await town.alerts(1)
    worker.terminate()

    # while nobody works: a sender goes on, an operator blocks a buyer everywhere, an executor reports
    await block_everywhere(town, "b-unread")
    for shop_id in SHOPS:
        await ask(town, PARTITIONS, shop_id, "b")
        await send_as(town, PARTITIONS, "refund-result", paid(shop_id, "a"))

    code, told = await call(town, "topics", "--grow-to", str(GROWN))
    assert code == 0, told
    assert f"{PARTITIONS} partitions were, {GROWN} are" in told
    again, told = await call(town, "topics", "--grow-to", str(GROWN))
    assert (again, " 0 of " in told) == (0, True), told

    town.worker(hold_seconds="3600")
    await town.look_again()
    for shop_id in SHOPS:
        await ask(town, GROWN, shop_id, "c")  # of b, c and the one that waits, only one fits the cap beside a
        await ask(town, PARTITIONS, shop_id, "a")  # once more, from a sender with an old view
        await ask(town, GROWN, shop_id, "d", buyer_id="b-known", amount_fen=10)
        await ask(town, GROWN, shop_id, "e", buyer_id="b-unread", amount_fen=10)
        await town.order(f"o-{shop_id}-waits", shop_id=shop_id, partition=partitioner(GROWN)(shop_id))
    found = await decisions(town, 6 * len(SHOPS))
    for shop_id in SHOPS:
        first, *others = (found[f"r-{shop_id}-{name}:1"]["reasons"][0] for name in ("a", "b", "c", "waits"))
        halted = shop_id == MOVES
        assert first == "approved"
        assert sorted(others) == (["halted"] * 3 if halted else ["approved", "daily_cap_reached", "daily_cap_reached"])
        banned = {found[f"r-{shop_id}-{name}:1"]["reasons"][0] for name in "de"}
        assert banned == {"halted" if halted else "buyer_blocked"}
    code, told = await call(town, "audit")
    assert code == 0, told
    assert f"{GROWN} lanes: {6 * len(SHOPS)} decisions, {len(SHOPS)} results" in told
    assert (await call(town, "audit", "--shop", MOVES))[0] == 0
    code, told = await call(town, "explain", f"r-{STAYS}-a", "--shop", STAYS, "--lang", "en")
    assert code == 0, told
    code, told = await call(town, "explain", f"r-{MOVES}-a", "--shop", MOVES, "--lang", "en")
    assert code == 0, told
    assert await town.dead_letters(0) == []


async def test_it_goes_on_where_it_was_interrupted_and_no_worker_starts_meanwhile(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = town.worker()
    await open_shops(town)
    for shop_id in SHOPS:
        await ask(town, PARTITIONS, shop_id, "a")
    await town.decisions(len(SHOPS))
    for shop_id in SHOPS:  # its old lane has read it before the shop moves
        await send_as(town, PARTITIONS, "refund-result", paid(shop_id, "a"))
    until = monotonic() + RESULTS_SECONDS_MAX
    while metric(worker, "autorefund_results_total") < len(SHOPS) and monotonic() < until:
        await asyncio.sleep(0.05)
    settings = Settings(brokers=town.broker.address)
    layer = layer_settings(settings, GROWN)
    with pytest.raises(CommandFailed, match="1 workers are in the group"):
        await growth.grow(settings, GROWN, layer)
    worker.terminate()
    for wrong in (PARTITIONS + 1, PARTITIONS * 2 - 1):
        with pytest.raises(CommandFailed, match="a multiple of that is needed"):
            await growth.grow(settings, wrong, layer)

    commits = 0
    commit = LaneProducer.commit

    async def some(self: LaneProducer, *args: object) -> object:
        nonlocal commits
        commits += 1
        if commits > 5:
            raise ConnectionError("cut")
        return await commit(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(growth, "CELLS_OF_A_TRANSACTION_MAX", 2)
    monkeypatch.setattr(LaneProducer, "commit", some)
    with pytest.raises(ConnectionError):
        await growth.grow(settings, GROWN, layer)
    monkeypatch.undo()

    refused = town.worker(ready=False)
    assert refused.wait(60) == 1
    assert "--grow-to" in refused.log.read_text()
    grown = await growth.grow(settings, GROWN, layer)
    assert grown.moved > 0
    town.worker()
    await town.look_again()
    for shop_id in SHOPS:
        await ask(town, GROWN, shop_id, "b")
        await ask(town, GROWN, shop_id, "c")
    found = await decisions(town, 3 * len(SHOPS))
    for shop_id in SHOPS:
        outcomes = sorted(str(found[f"r-{shop_id}-{name}:1"]["outcome"]) for name in "abc")
        assert outcomes == ["auto_approve", "auto_approve", "manual_review"]
    code, told = await call(town, "audit")
    assert (code, f"{len(SHOPS)} results" in told) == (0, True), told


async def test_topics_that_somebody_grew_by_hand_stop_the_worker_until_the_tables_follow(town: Town) -> None:
    worker = town.worker()
    await open_shops(town)
    for shop_id in SHOPS:
        await ask(town, PARTITIONS, shop_id, "a")
    await town.decisions(len(SHOPS))
    worker.terminate()
    admin = AIOKafkaAdminClient(bootstrap_servers=town.broker.address)
    await admin.start()
    await admin.create_partitions({topic.name: NewPartitions(GROWN) for topic in all_topics("autorefund")})
    await admin.close()
    refused = town.worker(ready=False)
    assert refused.wait(60) == 1
    assert "topics were given more partitions, and the tables left behind" in refused.log.read_text()
    code, told = await call(town, "topics", "--grow-to", str(GROWN), "--from", str(PARTITIONS))
    assert code == 0, told
    town.worker()
    await town.look_again()
    await ask(town, GROWN, MOVES, "b", amount_fen=151)
    found = await decisions(town, len(SHOPS) + 1)
    assert found[f"r-{MOVES}-b:1"]["reasons"][0] == "daily_cap_reached"
