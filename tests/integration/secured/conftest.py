"""One secured broker for all of these tests: every user has exactly the ACLs that deploy/security.md shows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kafka.acls import User, acls
from app.settings import Settings, load_settings
from tests.acl_client import acl_client
from tests.integration.town import PARTITIONS
from tests.secured_broker import ADMIN, SecuredBroker

ROOT = Path(__file__).parents[3]
COMMAND_SECONDS_MAX = 60


class Place:
    """The broker, and what its users do there."""

    def __init__(self, broker: SecuredBroker) -> None:
        self.broker = broker

    def environment(self, user: str, **change: str | None) -> dict[str, str]:
        """What makes a process this user; `change`: settings in small letters, None takes one away."""
        changed = {f"AUTOREFUND_{name.upper()}": value for name, value in change.items()}
        found: dict[str, str | None] = {**self.broker.environment(user), **changed}
        return {name: value for name, value in found.items() if value is not None}

    def settings(self, user: str, **change: str | None) -> Settings:
        """Likewise, loaded."""
        return load_settings(self.environment(user, **change))

    def run(self, user: str, *arguments: str, **change: str | None) -> tuple[int, str]:
        """A command as this user: its exit code and everything it said."""
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=os.environ | self.environment(user, **change),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The broker with all ACLs; nobody has made topics yet."""
    broker = SecuredBroker(tmp_path_factory.mktemp("secured"), User)
    broker.start()
    place = Place(broker)

    async def allow() -> None:
        async with acl_client(place.settings(ADMIN)) as client:
            await client.give(acls("autorefund"))

    asyncio.run(allow())
    yield place
    broker.wipe()


@pytest.fixture(scope="session")
def topics(place: Place) -> Place:
    """The broker with its topics, made by who may."""
    from app.kafka import topics

    asyncio.run(topics.create(place.settings(User.TOPICS, partitions=str(PARTITIONS))))
    return place
