"""A cell stays small, whatever a sender does."""

from __future__ import annotations

import pytest

from app.processor import requests
from tests.builders import item_value, logistics_value, parcel_value, request_value, strategy_value
from tests.lane import Lane, verdict

REQUEST, LOGISTICS, STRATEGY = "after-sale-request", "order-logistics", "strategy-config"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VERSIONS_MAX", "HELD_MAX", "REJECTED_ITEMS_MAX"):
        monkeypatch.setattr(requests, name, 3)


def test_one_version_too_many_is_an_invalid_record() -> None:
    lane = Lane().feed(STRATEGY, strategy_value()).feed(LOGISTICS, logistics_value())
    for version in range(1, 5):
        lane.feed(REQUEST, request_value(request_version=version))
        assert len(lane.dead_letters) == (version > 3)
    lane.feed(REQUEST, request_value(request_version=3))
    assert lane.tally["duplicates",] == 1


def test_one_more_request_than_may_wait_for_an_order_is_decided_at_once() -> None:
    lane = Lane().feed(STRATEGY, strategy_value())
    for number in range(3):
        assert not lane.feed(REQUEST, request_value(request_id=f"r-{number}")).decisions
    assert verdict(lane.feed(REQUEST, request_value(request_id="r-9")).decision) == ("manual_review", "order_unknown")
    lane.feed(LOGISTICS, logistics_value())
    assert len(lane.decisions) == 3


def test_when_too_many_items_were_rejected_all_of_the_order_count_as_rejected_50() -> None:
    items = [f"oi-{number}" for number in range(10)]
    lane = Lane().feed(STRATEGY, strategy_value())
    lane.feed(LOGISTICS, logistics_value(parcels=[parcel_value(order_item_ids=items)]))
    for number in range(4):
        rejected = request_value(
            request_id=f"r-{number}", status="seller_rejected", items=[item_value(order_item_id=items[number])]
        )
        lane.feed(REQUEST, rejected)
        asked = request_value(
            request_id=f"a-{number}", items=[item_value(order_item_id=items[9 - number])], amount_fen=1
        )
        expected = "approved" if number < 3 else "seller_rejected_before"
        assert verdict(lane.feed(REQUEST, asked).decision)[1] == expected
