"""What the tables promise over any store: own writes are read, an abort leaves no trace, a commit is there for the next."""

from __future__ import annotations

import pytest

from schemas.cells import (
    BreakerCell,
    BurstCell,
    BuyerCell,
    ControlCell,
    OrderCell,
    RequestCell,
    ShopCell,
    SpendCell,
)
from schemas.errors import InvariantBroken
from tables import cell_table
from tables.cell_table import CellTable
from tables.lane_tables import TABLE_NAMES, LaneTables
from tables.stores import Store
from tests.builders import AT_MICROS, shop_cap, spend, strategy
from tests.contract.shelf import Shelf, hold


def write_everything(tables: LaneTables) -> None:
    tables.strategies.put(strategy())
    tables.strategies.put_cap(shop_cap())
    tables.orders.write("shop-1", "o-1", OrderCell(rejected_item_ids=("oi-1",)))
    tables.requests.write("shop-1", "r-1", RequestCell(newest=1, versions={}))
    tables.daily_spend.write("shop-1", "s-1", "2026-11-23", spend(1, 2))
    tables.daily_spend.write("shop-1", "s-1", "2026-11-23", spend(3, 4), shadow=True)
    tables.daily_spend.write_shop("shop-1", "2026-11-23", spend(5, 6))
    tables.buyers.write("*", "b-1", BuyerCell(blocked=True))
    tables.holds.start(hold())
    tables.controls.write("shop-1", ControlCell(halted=True, by="b", reason="r", at=1))
    tables.controls.write_burst(BurstCell(alerted_at=5))
    tables.breakers.write("shop-1", "s-1", BreakerCell(version=1, tripped=True))
    tables.breakers.write("shop-1", "s-1", BreakerCell(version=1), shadow=True)


def read_everything(tables: LaneTables) -> list[object]:
    return [
        tables.strategies.of_shop("shop-1"),
        tables.strategies.get("shop-1", "s-1"),
        tables.strategies.cap_of("shop-1"),
        tables.orders.of("shop-1", "o-1"),
        tables.requests.of("shop-1", "r-1"),
        tables.daily_spend.of("shop-1", "s-1", "2026-11-23"),
        tables.daily_spend.of("shop-1", "s-1", "2026-11-23", shadow=True),
        tables.daily_spend.of_shop("shop-1", "2026-11-23"),
        tables.buyers.of("*", "b-1"),
        tables.holds.of("shop-1", "r-1"),
        tables.controls.halted("shop-1"),
        tables.controls.burst(),
        tables.breakers.of("shop-1", "s-1", 1),
        tables.breakers.of("shop-1", "s-1", 1, shadow=True),
    ]


WRITTEN: list[object] = [
    [strategy()],
    strategy(),
    shop_cap(),
    OrderCell(rejected_item_ids=("oi-1",)),
    RequestCell(newest=1, versions={}),
    spend(1, 2),
    spend(3, 4),
    spend(5, 6),
    BuyerCell(blocked=True),
    hold(),
    True,
    BurstCell(alerted_at=5),
    BreakerCell(version=1, tripped=True),
    BreakerCell(version=1),
]
NOTHING: list[object] = [
    [], None, None, OrderCell(), None, SpendCell(), SpendCell(), SpendCell(), BuyerCell(), None, False, BurstCell(),
    BreakerCell(version=1), BreakerCell(version=1),
]  # fmt: skip


def test_what_is_not_there_reads_as_nothing_known(shelf: Shelf) -> None:
    assert read_everything(shelf.open()) == NOTHING


def test_a_batch_reads_its_own_writes(shelf: Shelf) -> None:
    tables = shelf.open()
    write_everything(tables)
    assert read_everything(tables) == WRITTEN


def test_a_read_before_the_commit_puts_nothing_into_the_stores(shelf: Shelf) -> None:
    tables = shelf.open()
    write_everything(tables)
    assert read_everything(shelf.open()) == NOTHING
    assert all(not list(store.items()) for store in shelf.stores.values())


def test_what_was_committed_is_there_for_this_lane_and_the_next(shelf: Shelf) -> None:
    tables = shelf.open()
    write_everything(tables)
    shelf.commit(tables)
    assert tables.puts() == {}
    assert read_everything(tables) == WRITTEN
    assert read_everything(shelf.open()) == WRITTEN


def test_an_abort_leaves_no_trace(shelf: Shelf) -> None:
    tables = shelf.open()
    write_everything(tables)
    tables.abort()
    assert tables.puts() == {}
    assert read_everything(tables) == NOTHING
    assert tables.holds.next_due() is None


def test_an_abort_takes_back_only_the_batch_at_hand(shelf: Shelf) -> None:
    tables = shelf.open()
    write_everything(tables)
    shelf.commit(tables)
    tables.daily_spend.write("shop-1", "s-1", "2026-11-23", spend(9, 9))
    tables.holds.end("shop-1", "r-1")
    tables.abort()
    assert read_everything(tables) == WRITTEN
    assert tables.holds.next_due() == AT_MICROS


def test_only_tables_that_were_touched_are_in_the_puts(shelf: Shelf) -> None:
    tables = shelf.open()
    tables.buyers.write("shop-1", "b-1", BuyerCell())
    assert {name: list(puts) for name, puts in tables.puts().items()} == {"buyers": [b"shop-1|b-1"]}


def test_every_table_of_the_catalogue_is_written(shelf: Shelf) -> None:
    tables = shelf.open()
    write_everything(tables)
    assert tuple(tables.puts()) == TABLE_NAMES


def test_a_deletion_hides_the_cell_at_once_and_deletes_it_at_the_commit(store: Store) -> None:
    table = CellTable(store, SpendCell)
    store.apply({b"k": b"{}"}, 1)
    table.delete(b"k")
    assert table.get(b"k") is None
    assert table.puts() == {b"k": None}
    store.apply(table.puts(), 2)
    table.forget()
    assert table.get(b"k") is None
    assert store.get(b"k") is None


def test_the_last_write_of_a_batch_counts(store: Store) -> None:
    table = CellTable(store, SpendCell)
    table.delete(b"k")
    table.put(b"k", spend(1, 0))
    table.put(b"k", spend(2, 0))
    assert table.get(b"k") == spend(2, 0)
    assert list(table.written()) == [b"k"]


def test_a_cell_that_the_store_changed_is_decoded_anew(store: Store) -> None:
    table = CellTable(store, SpendCell)
    store.apply({b"k": b'{"alerts": 1}'}, 1)
    first = table.get(b"k")
    assert table.get(b"k") is first
    store.apply({b"k": b'{"alerts": 2}'}, 2)
    second = table.get(b"k")
    assert second is not None
    assert second.alerts == 2


def test_decoded_cells_are_kept_up_to_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_table, "DECODED_CELLS_MAX", 2)
    table = CellTable(store, SpendCell)
    store.apply(dict.fromkeys((b"a", b"b", b"c"), b"{}"), 1)
    first = table.get(b"a")
    table.get(b"b")
    assert table.get(b"a") is first
    table.get(b"c")
    assert table.get(b"a") is first
    assert list(table._decoded) == [b"c", b"a"]


def test_a_damaged_cell_is_a_broken_invariant(store: Store) -> None:
    store.apply({b"k": b"{"}, 1)
    with pytest.raises(InvariantBroken):
        CellTable(store, ShopCell).get(b"k")


def test_a_shop_remembers_each_of_its_strategies_once(shelf: Shelf) -> None:
    tables = shelf.open()
    for version in (1, 2):
        tables.strategies.put(strategy(version=version))
        shelf.commit(tables)
    tables.strategies.put(strategy(strategy_id="s-2"))
    assert [(one.strategy_id, one.version) for one in tables.strategies.of_shop("shop-1")] == [("s-1", 2), ("s-2", 1)]
    assert tables.strategies.of_shop("shop-2") == []


def test_another_version_of_a_strategy_has_a_fresh_breaker(shelf: Shelf) -> None:
    tables = shelf.open()
    tables.breakers.write("shop-1", "s-1", BreakerCell(version=1, tripped=True))
    assert tables.breakers.of("shop-1", "s-1", 2) == BreakerCell(version=2)


@pytest.mark.parametrize(("switch", "shops"), [(None, {"shop-1", "shop-2"}), ("shop-1", {"shop-1"})])
def test_a_switch_halts_its_shop_or_all(shelf: Shelf, switch: str | None, shops: set[str]) -> None:
    tables = shelf.open()
    tables.controls.write(switch, ControlCell(halted=True, by="b", reason="r", at=1))
    assert {shop for shop in ("shop-1", "shop-2") if tables.controls.halted(shop)} == shops


def test_ids_with_separators_do_not_meet(shelf: Shelf) -> None:
    tables = shelf.open()
    tables.buyers.write("a|b", "c", BuyerCell(blocked=True))
    assert not tables.buyers.of("a", "b|c").blocked
    tables.daily_spend.write("a", "s", "2026-11-23", spend(1, 0), shadow=True)
    assert tables.daily_spend.of("a", "s|2026-11-23", "shadow") == SpendCell()
