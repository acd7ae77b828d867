"""How the lanes of one worker share its event loop, so that no transaction waits for long behind other lanes' work.

A batch is worked on without a pause, and everything else waits meanwhile: the steps of other lanes' transactions, health,
metrics. Left alone, a backlog in several lanes makes batches of thousands of records, and a transaction of six steps may wait
at each of them for all other lanes; on a slow machine it then takes longer than it may, and the worker starts over for ever.
So a batch is kept short (`Pace`), and between two batches of whichever lanes the loop takes in what has arrived (`Turn`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

__all__ = ["Pace", "Turn"]

LOOP_ROUNDS: Final = 8
"""Rounds of the event loop between two batches: an answer needs a few to come from its socket to the lane that waits for it."""
RECORDS_FIRST: Final = 500
"""Of a batch whose cost nobody knows yet."""
RECORDS_MIN: Final = 20
"""A batch may have so many records whatever they cost."""
GROWTH: Final = 2


class Turn:
    """The right to work on a batch: one lane at a time, in the order in which they asked."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for the turn, let the loop take in what has arrived, and hold the turn for the length of the block."""
        async with self._lock:
            for _ in range(LOOP_ROUNDS):
                await asyncio.sleep(0)
            yield


class Pace:
    """How many records the next batch of a lane may have, by what the last one took."""

    def __init__(self, *, records_max: int, seconds_max: float) -> None:
        self._records_max = records_max
        self._seconds_max = seconds_max
        self.records = min(RECORDS_FIRST, records_max)

    def took(self, records: int, seconds: float) -> None:
        """A batch of so many records was worked on for so long. A limit grows slowly and falls at once."""
        if not records:
            return
        fitting = int(self._seconds_max * records / seconds) if seconds > 0 else self._records_max
        self.records = min(max(RECORDS_MIN, min(fitting, GROWTH * self.records)), self._records_max)
