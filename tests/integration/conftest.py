"""One Kafka for all integration tests; each test has an app id, and so changelogs and ids, of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.town import Town, town_on
from tests.kafka_broker import Broker


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that tests leave running."""
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.wipe()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that a test may kill, or whose topics it needs for itself."""
    broker = Broker(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.wipe()


@pytest.fixture
async def town(own_broker: Broker, tmp_path: Path) -> AsyncIterator[Town]:
    """A broker with the product's topics, where a story may begin."""
    async with town_on(own_broker, tmp_path) as town:
        yield town
