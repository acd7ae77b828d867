"""What all tests share. A Kafka broker for integration tests comes from tests/kafka_broker.py."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("AUTOREFUND_KAFKA_JAVA", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
"""A test's broker lives for seconds: over a third of its CPU went into compiling itself. Bench and chaos by hand have the default."""
EXPLORE_EXAMPLES = 1000
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile(
    "explore",
    max_examples=EXPLORE_EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")
"""The same examples each time, so that a red run can be repeated; `pytest --hypothesis-profile=explore` looks for new ones."""


@pytest.fixture(autouse=True)
def no_settings_of_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test means the same on every machine: settings of the developer's shell do not reach it.

    Variables of the scripts (AUTOREFUND_KAFKA_*, AUTOREFUND_VENV and such) stay.
    """
    from app.settings import Settings, variable

    for name in Settings.model_fields:
        if name != "brokers" and variable(name) in os.environ:
            monkeypatch.delenv(variable(name))
