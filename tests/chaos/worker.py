"""`python -m tests.chaos.worker worker`: the product's worker, whose heartbeats can be made to get lost for a while.

A worker that is stopped as a whole hears from the group first, once it goes on. One whose heartbeats alone are lost works on
while another has its lanes already: only the epoch of its producers keeps its commits out.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from time import monotonic
from typing import Any, Final

from aiokafka.consumer.group_coordinator import GroupCoordinator

from app.__main__ import main

__all__ = ["DEAF", "DEAF_SECONDS"]

DEAF: Final = signal.SIGURG
"""The signal from which on they are lost; a process that does not know it yet ignores it."""
DEAF_SECONDS: Final = 15.0


class _Deafness:
    """How long it lasts."""

    def __init__(self) -> None:
        self.until = 0.0

    def begin(self, *_: object) -> None:
        self.until = monotonic() + DEAF_SECONDS


def _install(deafness: _Deafness) -> None:
    send = GroupCoordinator._do_heartbeat

    async def heartbeat(coordinator: Any) -> Any:
        while monotonic() < deafness.until:
            await asyncio.sleep(0.1)
        return await send(coordinator)

    GroupCoordinator._do_heartbeat = heartbeat
    signal.signal(DEAF, deafness.begin)


if __name__ == "__main__":
    _install(_Deafness())
    sys.exit(main())
