"""Settings: defaults that work, and errors that name the variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.errors import UsageError
from app.settings import Settings, StoreKind, load_settings, markdown_table

ROOT = Path(__file__).parents[2]


def test_defaults_need_no_environment() -> None:
    assert load_settings({}) == Settings()


def test_a_variable_sets_its_field() -> None:
    settings = load_settings(
        {"AUTOREFUND_BROKERS": "a:1, b:2", "AUTOREFUND_STORE": "rocksdb", "AUTOREFUND_HOLD_SECONDS": "5"}
    )
    assert (settings.brokers, settings.store, settings.hold_seconds) == ("a:1,b:2", StoreKind.ROCKSDB, 5)


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"AUTOREFUND_PARTITIONS": " "}).model_fields_set == set()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().partitions = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKERS", "localhost"), ("BROKERS", "localhost:0"), ("BROKERS", "a:1,,b:2"), ("BROKERS", "a:99999"),
        ("APP_ID", "a b"), ("APP_ID", "x" * 101), ("PARTITIONS", "0"), ("PARTITIONS", "1.5"), ("REPLICATION", "0"),
        ("STORE", "disk"), ("HTTP_PORT", "70000"), ("HOLD_SECONDS", "0"), ("HOLD_SECONDS", "ten"), ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"), ("BATCH_RECORDS_MAX", "-1"), ("SESSION_TIMEOUT_SECONDS", "1"),
    ],
)  # fmt: skip
def test_a_bad_value_is_told_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"AUTOREFUND_{name}={value}: "):
        load_settings({f"AUTOREFUND_{name}": value})


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(UsageError) as error:
        load_settings({"AUTOREFUND_STORE": "disk", "AUTOREFUND_PARTITIONS": "0"})
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("slip", "meant"), [("HOLD_SECOND", "HOLD_SECONDS"), ("BROKER", "BROKERS"), ("APPID", "APP_ID")]
)
def test_a_misspelt_variable_is_refused(slip: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"AUTOREFUND_{slip}.*AUTOREFUND_{meant} is meant"):
        load_settings({f"AUTOREFUND_{slip}": "1"})


@pytest.mark.parametrize(
    "name", ["VENV", "KAFKA_DIR", "KAFKA_PORT", "RUN_DIR", "SERVICE_HOST", "SERVICE_PORT", "PORT_6066_TCP_PROTO"]
)
def test_variables_of_scripts_and_of_kubernetes_are_let_be(name: str) -> None:
    load_settings({f"AUTOREFUND_{name}": "1"})


def test_the_readme_shows_every_setting_as_it_is() -> None:
    assert markdown_table() in (ROOT / "README.md").read_text()
