"""`python -m app audit --every SECONDS`: audits again and again; what was found last is on the HTTP port, for Prometheus."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from typing import Final

from app.commands.audit import audit
from app.errors import CommandFailed
from app.http_port import HttpPort
from app.logs import configure_logging
from app.metrics import AuditMetrics
from app.settings import Settings

__all__ = ["main"]

log = logging.getLogger(__name__)

AGAIN_SECONDS_MAX: Final = 60.0
"""After an audit that could not be made: a broker is away, or a lane never rests."""


def main(settings: Settings, *, days: int, every: float) -> int:
    """Audit the last `days` civil days each `every` seconds, until SIGTERM. Each fault is logged as an error; exit code 0."""
    configure_logging(settings)
    asyncio.run(_Auditor(settings, days, every).run())
    return 0


class _Auditor:
    def __init__(self, settings: Settings, days: int, every: float) -> None:
        self._settings = settings
        self._days = days
        self._every = every
        self._metrics = AuditMetrics()
        self._trouble: str | None = "no audit has ended yet"
        self._http = HttpPort(settings.http_host, settings.http_port, self._metrics.exposition, lambda: self._trouble)

    async def run(self) -> None:
        """Until SIGTERM."""
        log.info("health and metrics on port %d", await self._http.start())
        auditing = asyncio.create_task(self._for_ever())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, auditing.cancel)
        try:
            with suppress(asyncio.CancelledError):
                await auditing
        finally:
            await self._http.stop()

    async def _for_ever(self) -> None:
        while True:
            await self._once()
            await asyncio.sleep(min(self._every, AGAIN_SECONDS_MAX) if self._trouble else self._every)

    async def _once(self) -> None:
        try:
            found = await audit(self._settings, self._days)
        except CommandFailed as error:
            self._trouble = f"no audit could be made: {error}"
            log.warning("%s", self._trouble)
            return
        self._trouble = None
        self._metrics.found(faults=len(found.faults), decisions=found.decisions)
        for fault in found.faults:
            log.error("%s", fault)
        log.info("%s", found.summary)
