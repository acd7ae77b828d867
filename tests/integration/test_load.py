"""`load` on a real broker: all of it arrives, in its shops' partitions, and a worker decides it."""

from __future__ import annotations

import orjson
import pytest

from schemas.topics import AFTER_SALE_REQUEST, STRATEGY_CONFIG
from tests.integration.test_commands import call
from tests.integration.town import Town, home


@pytest.mark.integration
async def test_what_load_sends_is_decided(town: Town) -> None:
    town.worker(hold_seconds="1")
    code, told = await call(town, "load", "--rate", "300", "--requests", "300", "--shops", "20", "--strategies", "60")
    assert code == 0, told
    assert "new request                         300" in told
    requests = await town.records(AFTER_SALE_REQUEST.name)
    assert all(record.partition == home(orjson.loads(record.value)["shop_id"]) for record in requests)
    pending = {
        f"{value['request_id']}:{value['request_version']}"
        for value in (orjson.loads(record.value) for record in requests)
        if value["status"] == "pending_seller"
    }
    decisions = await town.decisions(len(pending))
    assert decisions.keys() == pending
    assert any(one["outcome"] == "auto_approve" for one in decisions.values())
    again, _ = await call(town, "load", "--rate", "100", "--requests", "10", "--shops", "20", "--strategies", "60")
    assert again == 0
    names = {record.key for record in await town.records(STRATEGY_CONFIG.name)}
    assert len(await town.records(STRATEGY_CONFIG.name)) == 2 * len(names)
    assert await town.dead_letters(0) == []
