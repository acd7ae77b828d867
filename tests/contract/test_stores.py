"""One contract for all stores: what is applied is there, whole, with the position it stands for, after a reopening too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables.stores import Store
from tables.stores.memory import MemoryStore
from tables.stores.rocksdb import KEYS_PORTION, RocksDBStore

keys = st.binary(min_size=0, max_size=3)
batches = st.lists(st.dictionaries(keys, st.none() | st.binary(max_size=4), max_size=6), max_size=8)


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else RocksDBStore(tmp_path / "db")
    yield store
    store.close()


def test_a_new_store_knows_nothing(store: Store) -> None:
    assert store.position is None
    assert store.get(b"k") is None
    assert (list(store.items()), list(store.keys()), len(store)) == ([], [], 0)


def test_what_is_applied_is_there_with_its_position(store: Store) -> None:
    store.apply({b"a": b"1", b"b": b"2"}, 7)
    store.apply({b"a": None, b"c": b"", b"never there": None}, 9)
    assert store.position == 9
    assert (store.get(b"a"), store.get(b"b"), store.get(b"c")) == (None, b"2", b"")
    assert dict(store.items()) == {b"b": b"2", b"c": b""}
    assert sorted(store.keys()) == [b"b", b"c"]


def test_a_position_may_be_applied_alone(store: Store) -> None:
    store.apply({}, 3)
    assert store.position == 3


def test_after_clear_nothing_is_known_and_it_can_be_used_again(store: Store) -> None:
    store.apply({b"a": b"1"}, 7)
    store.clear()
    assert (store.position, list(store.items())) == (None, [])
    store.apply({b"b": b"2"}, 1)
    assert dict(store.items()) == {b"b": b"2"}


def test_keys_go_on_rightly_while_cells_come_and_go(store: Store) -> None:
    number = 2 * KEYS_PORTION + 10
    store.apply({b"%06d" % n: b"v" for n in range(number)}, 1)
    seen = []
    for key in store.keys():  # noqa: SIM118 - a store is no dict
        seen.append(key)
        store.apply({key: None, b"new" + key: b"v"} if len(seen) % 100 == 0 else {key: None}, 2)
    old = [key for key in seen if not key.startswith(b"new")]
    assert sorted(old) == [b"%06d" % n for n in range(number)]
    assert len(old) == len(set(old))


def check_like_a_dict(store: Store, applied: list[dict[bytes, bytes | None]]) -> None:
    model: dict[bytes, bytes] = {}
    for position, puts in enumerate(applied):
        store.apply(puts, position)
        for key, value in puts.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        assert dict(store.items()) == model
        assert set(store.keys()) == set(model)
        assert all(store.get(key) == value for key, value in model.items())
        assert store.position == position


@given(batches)
def test_memory_is_like_a_dict(applied: list[dict[bytes, bytes | None]]) -> None:
    check_like_a_dict(MemoryStore(), applied)


@settings(max_examples=25, deadline=None)
@given(batches)
def test_rocksdb_is_like_a_dict_and_the_same_after_a_reopening(
    tmp_path_factory: pytest.TempPathFactory, applied: list[dict[bytes, bytes | None]]
) -> None:
    path = tmp_path_factory.mktemp("db")
    store = RocksDBStore(path)
    check_like_a_dict(store, applied)
    cells, position = dict(store.items()), store.position
    store.close()
    again = RocksDBStore(path)
    assert (dict(again.items()), again.position) == (cells, position)
    again.close()
