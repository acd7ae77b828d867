"""The HTTP port: three paths, GET only, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.errors import CommandFailed
from app.http_port import HttpPort
from app.metrics import Metrics


class Place:
    """A running port, and the reason that its worker is not ready."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.metrics = Metrics()
        self.port = HttpPort("127.0.0.1", 0, self.metrics.exposition, lambda: self.reason)
        self.number = 0

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.number}{path}") as answer,
        ):
            return answer.status, await answer.text()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    place.number = await place.port.start()
    yield place
    await place.port.stop()


async def test_it_is_alive(place: Place) -> None:
    place.reason = "restoring"
    assert await place.ask("/livez") == (200, "alive\n")


async def test_ready_follows_the_worker(place: Place) -> None:
    assert await place.ask("/readyz") == (200, "ready\n")
    place.reason = "lane 3 has not moved for 12 s"
    assert await place.ask("/readyz") == (503, "lane 3 has not moved for 12 s\n")


async def test_metrics_are_shown(place: Place) -> None:
    place.metrics.add({("requests",): 7})
    status, text = await place.ask("/metrics")
    assert status == 200
    assert "autorefund_requests_total 7.0" in text


@pytest.mark.parametrize("path", ["/", "/metrics/", "/livez/x", "/debug", "/favicon.ico"])
async def test_there_is_nothing_else(place: Place, path: str) -> None:
    assert (await place.ask(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_only_get_is_answered(place: Place, path: str, method: str) -> None:
    assert (await place.ask(path, method))[0] == 405


async def test_a_port_in_use_is_told(place: Place) -> None:
    other = HttpPort("127.0.0.1", place.number, Metrics().exposition, lambda: None)
    with pytest.raises(CommandFailed, match=r"127\.0\.0\.1:\d+ cannot be opened.*AUTOREFUND_HTTP_PORT"):
        await other.start()


async def test_it_stops_twice(place: Place) -> None:
    await place.port.stop()
    await place.port.stop()
