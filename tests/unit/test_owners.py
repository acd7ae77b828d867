"""Every cell of every table has an owner: found by writing cells through the tables' own words, for shops with odd names."""

from __future__ import annotations

import pytest

from schemas.cells import BreakerCell, BurstCell, BuyerCell, ControlCell, HoldCell, OrderCell, RequestCell, SpendCell
from tables.lane_tables import TABLE_NAMES, LaneTables
from tables.owners import Keeper, owner_of
from tables.stores.memory import MemoryStore
from tests.builders import DAY, request, shop_cap, strategy

SWITCH = ControlCell(halted=True, by="b", reason="r", at=1)


def written(shop_id: str) -> LaneTables:
    """Tables in which each has cells of that shop."""
    tables = LaneTables({name: MemoryStore() for name in TABLE_NAMES})
    tables.strategies.put(strategy(shop_id=shop_id))
    tables.strategies.put_cap(shop_cap(shop_id=shop_id))
    tables.orders.write(shop_id, "o|1", OrderCell())
    tables.requests.write(shop_id, "r|1", RequestCell(newest=1, versions={}))
    tables.daily_spend.write(shop_id, "s-1", DAY, SpendCell())
    tables.daily_spend.write(shop_id, "s-1", DAY, SpendCell(), shadow=True)
    tables.daily_spend.write_shop(shop_id, DAY, SpendCell())
    tables.buyers.write(shop_id, "b-1", BuyerCell())
    tables.holds.start(HoldCell(due=1, arrival=1, request=request(shop_id=shop_id)))
    tables.controls.write(shop_id, SWITCH)
    tables.breakers.write(shop_id, "s-1", BreakerCell(version=1))
    tables.breakers.write(shop_id, "s-1", BreakerCell(version=1), shadow=True)
    return tables


@pytest.mark.parametrize("shop_id", ["shop-1", "a|b", "100%", "global", "shop", "dead-letters", "店"])
def test_a_shops_cells_are_the_shops(shop_id: str) -> None:
    puts = written(shop_id).puts()
    assert puts.keys() == set(TABLE_NAMES)
    assert {owner_of(table, key) for table, cells in puts.items() for key in cells} == {shop_id}


def test_some_cells_are_every_lanes_and_some_the_lanes_own() -> None:
    tables = LaneTables({name: MemoryStore() for name in TABLE_NAMES})
    tables.controls.write(None, SWITCH)
    tables.buyers.write("*", "b-1", BuyerCell(blocked=True))
    assert {owner_of(table, key) for table, cells in tables.puts().items() for key in cells} == {Keeper.EVERY_LANE}
    tables.abort()
    tables.controls.write_burst(BurstCell())
    assert [owner_of("controls", key) for key in tables.puts()["controls"]] == [Keeper.THIS_LANE]
