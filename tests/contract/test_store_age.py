"""A store that lay about: deletions that it has not seen may be gone from its changelog, so it is not gone on from."""

from __future__ import annotations

import os
from pathlib import Path
from time import time

import pytest

from app.exactly_once.tables import open_store
from app.settings import Settings
from app.worker import layer_settings
from schemas.topics import Role, all_topics
from tables.stores.rocksdb import RocksDBStore

DAY_SECONDS = 86_400
AGE_SECONDS_MAX = 29 * DAY_SECONDS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that was stopped in order."""
    store = RocksDBStore(tmp_path / "db")
    store.apply({b"key": b"value"}, 7)
    store.close()
    return tmp_path / "db"


def lies_about(path: Path, days: float) -> None:
    for table in path.glob("*.sst"):
        os.utime(table, (time(), time() - days * DAY_SECONDS))


@pytest.mark.parametrize(("days", "position"), [(0, 7), (28.9, 7), (29.1, None), (400, None)])
def test_a_store_is_gone_on_from_as_long_as_its_changelog_keeps_deletions(
    path: Path, days: float, position: int | None
) -> None:
    lies_about(path, days)
    store = open_store(path, AGE_SECONDS_MAX)
    assert store.position == position
    assert len(list(store.items())) == (position is not None)
    store.close()


def test_that_a_store_was_opened_makes_it_no_younger(path: Path) -> None:
    lies_about(path, 30)
    RocksDBStore(path).close()
    age = RocksDBStore.age_seconds(path)
    assert age is not None
    assert age > AGE_SECONDS_MAX


def test_there_is_no_age_where_nothing_was_written(tmp_path: Path) -> None:
    assert RocksDBStore.age_seconds(tmp_path / "nowhere") is None
    store = open_store(tmp_path / "new", 0)
    assert store.position is None
    store.close()


def test_a_worker_counts_on_less_than_changelogs_keep(tmp_path: Path) -> None:
    kept_ms = {topic.config()["delete.retention.ms"] for topic in all_topics("app") if topic.role is Role.CHANGELOG}
    found = layer_settings(Settings(data_dir=tmp_path), 3).store_age_seconds_max
    assert DAY_SECONDS < found < min(map(int, kept_ms)) / 1000
