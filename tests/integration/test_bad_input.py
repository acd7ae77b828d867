"""Whatever bytes come in: a dead letter with the original, never a crash, and never a lost neighbour."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from schemas.codec import VALUE_BYTES_MAX
from schemas.times import parse_time
from tests.corpus import MALFORMED
from tests.integration.town import PARTITIONS, Town, home, metric, request

pytestmark = pytest.mark.integration

LARGEST_BYTES = 1_040_000
"""What a broker takes without compression, less the record's own bytes."""


def bad_requests() -> dict[str, bytes | None]:
    """A name for what is wrong -> the value."""
    good = request("bad")

    def changed(**change: Any) -> bytes:
        return orjson.dumps(good | change)

    return {
        "nothing at all": None,
        "a huge number": orjson.dumps(good).replace(b'"amount_fen":100', b'"amount_fen":' + b"9" * 5000),
        "float money": changed(amount_fen=1.0),
        "money as text": changed(amount_fen="100"),
        "money as a bool": changed(amount_fen=True),
        "a schema of tomorrow": changed(schema_version=2),
        "a naive time": changed(applied_at="2026-11-23T10:00:00"),
        "a time of tomorrow": changed(applied_at="2099-11-23T10:00:00+08:00"),
        "201 items": changed(items=good["items"] * 201),
        "no items": changed(items=[]),
        "an unknown status": changed(status="maybe"),
        "a megabyte of reason": changed(reason="x" * 1_000_000),
        "NaN": orjson.dumps(good).replace(b'"amount_fen":100', b'"amount_fen":NaN'),
    } | {what: value for what, value in MALFORMED.items() if len(value) < LARGEST_BYTES}


async def test_bad_records_become_dead_letters_and_their_neighbours_are_decided(town: Town) -> None:
    worker = town.worker()
    await town.strategy()
    bad = bad_requests()
    for number, value in enumerate(bad.values()):
        await town.order(f"o-{number}")
        await town.ask(number)
        await town.send("after-sale-request", value, key=b"key-%d" % number)
    await town.strategy(version=2, per_order_cap_fen=2001)
    await town.order("o-last")
    await town.ask("last")

    decisions = await town.decisions(len(bad) + 1)
    assert {decision["reasons"][0] for decision in decisions.values()} == {"approved"}
    assert {decision["strategy_version"] for decision in decisions.values()} == {1}

    letters = await town.dead_letters(len(bad) + 1)
    assert len(letters) == len(bad) + 1
    of_requests = {record.key: record for record in letters if dict(record.headers)["topic"] == b"after-sale-request"}
    for number, (what, value) in enumerate(bad.items()):
        record = of_requests[b"key-%d" % number]
        headers = {name: header.decode() for name, header in record.headers}
        assert record.value == value, what
        assert headers["partition"] == str(home("shop-1")), what
        assert int(headers["offset"]) == 2 * number + 1, what
        assert headers["error"], what
        assert "\n" not in headers["error"], what
        assert headers["schema"] == "AfterSaleRequest/1"
        assert parse_time(headers["at"])
    (alert,) = [alert for alert in await town.alerts(1) if alert["kind"] == "config_rejected"]
    assert alert["strategy_id"] == "s-1"
    assert metric(worker, "autorefund_dead_letters_total") == len(bad) + 1
    assert metric(worker, 'autorefund_dead_letters_total{fault="wrong_value",topic="strategy-config"}') == 1


async def test_a_value_that_fits_no_dead_letter_blocks_no_lane(town: Town) -> None:
    """Brokers measure batches as they come: compressed, 10 MB go through where 1 MB is the most."""
    worker = town.worker()
    await town.strategy()
    for number in (1, 2):
        await town.order(f"o-{number}")
    await town.ask(1)
    huge = b'{"request_id": "' + b"x" * 10_000_000 + b'"}'
    with pytest.raises(MessageSizeTooLargeError):
        await send_huge(town, huge, compression=None)
    await send_huge(town, huge, compression="gzip")
    await town.ask(2)

    assert set(await town.decisions(2)) == {"r-1:1", "r-2:1"}
    (letter,) = await town.dead_letters(1)
    headers = {name: header.decode() for name, header in letter.headers}
    assert headers["error"] == f"value of {len(huge)} bytes, at most {VALUE_BYTES_MAX}"
    assert headers["cut"] == f"key of 4 bytes, value of {len(huge)}"
    assert huge.startswith(letter.value)
    assert len(letter.value) > VALUE_BYTES_MAX
    assert worker.exit_code is None


async def send_huge(town: Town, value: bytes, compression: str | None) -> None:
    """To the home of shop-1."""
    producer = AIOKafkaProducer(
        bootstrap_servers=town.broker.address, compression_type=compression, max_request_size=20_000_000
    )
    async with producer:
        await producer.send_and_wait("after-sale-request", value, key=b"huge", partition=home("shop-1"))


async def test_a_record_in_another_shops_partition_is_forwarded_in_order_and_decided_once(town: Town) -> None:
    worker = town.worker()
    wrong = (home("shop-1") + 1) % PARTITIONS
    await town.send("strategy-config", strategy(), key=b"shop-1|s-1", partition=wrong)
    for number in range(50):
        await town.order(f"o-{number}", partition=wrong)
        await town.ask(number, partition=wrong)
        await town.ask(number, partition=wrong, request_version=2, amount_fen=200)
    decisions = await town.decisions(100)
    assert len(decisions) == 100
    place = {decision_id: number for number, decision_id in enumerate(decisions)}
    for number in range(50):
        first, second = f"r-{number}:1", f"r-{number}:2"
        assert place[first] < place[second]  # in the order in which they were sent
        # An order's logistics is in another topic and may come later: then the first version was held meanwhile.
        assert decisions[first]["reasons"][0] in {"approved", "superseded"}
        assert decisions[second]["reasons"][0] in {"approved", "item_already_refunded"}
    records = await town.records("refund-decision")
    assert {record.partition for record in records} == {home("shop-1")}
    for topic, number in (("strategy-config", 1), ("order-logistics", 50), ("after-sale-request", 100)):
        assert metric(worker, f'autorefund_forwarded_total{{topic="{topic}"}}') == number
    forwarded = await town.records("autorefund-forwarded")
    assert len(forwarded) == 151
    assert {record.partition for record in forwarded} == {home("shop-1")}


def strategy() -> dict[str, Any]:
    from tests.builders import strategy_value

    return strategy_value()
