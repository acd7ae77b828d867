"""The HTTP port: /livez, /readyz, /metrics, GET, and nothing else. It has no write, no secret and no data of a shop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from app.errors import CommandFailed

__all__ = ["Exposition", "HttpPort", "Readiness"]

Readiness = Callable[[], str | None]
"""Why the process is not ready, one line or several; None = it is. Called at each /readyz: must be quick."""
Exposition = Callable[[], bytes]
"""All metrics in Prometheus' text format."""

METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SHUTDOWN_SECONDS_MAX: Final = 1.0


class HttpPort:
    """A server in the running event loop. That it answers at all is what /livez says: the loop turns."""

    def __init__(self, host: str, port: int, exposition: Exposition, why_unready: Readiness) -> None:
        self._host = host
        self._port = port
        self._exposition = exposition
        self._why_unready = why_unready
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Begin to answer; returns the port (the one chosen, where 0 was asked for).

        Raises CommandFailed where the address cannot be had.
        """
        server = web.Application()
        for path, handler in (("/livez", self._livez), ("/readyz", self._readyz), ("/metrics", self._show_metrics)):
            server.router.add_get(path, handler, allow_head=False)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS_MAX)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise CommandFailed(
                f"the HTTP port {self._host}:{self._port} cannot be opened: {error.strerror or error} "
                "(AUTOREFUND_HTTP_HOST, AUTOREFUND_HTTP_PORT)"
            ) from error
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close it; may be called twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        reason = self._why_unready()
        if reason is None:
            return web.Response(text="ready\n")
        return web.Response(status=503, text=reason.rstrip("\n") + "\n")

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._exposition(), headers={"Content-Type": METRICS_CONTENT_TYPE})
