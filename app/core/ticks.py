"""How many in the last minutes: instants with a count each, oldest first, cut to a sliding window."""

from __future__ import annotations

from schemas.cells import Ticks

__all__ = ["MICROS_PER_MINUTE", "add", "count", "within"]

MICROS_PER_MINUTE = 60_000_000


def within(ticks: Ticks, at: int, window: int) -> Ticks:
    """The ticks of the last `window` microseconds before `at`, the edge included: when unsure, more count."""
    first = at - window
    for index, tick in enumerate(ticks):
        if tick[0] >= first:
            return ticks[index:] if index else ticks
    return ()


def count(ticks: Ticks) -> int:
    """How many in all."""
    return sum(tick[1] for tick in ticks)


def add(ticks: Ticks, at: int) -> Ticks:
    """One more, at the instant `at`; what happens at one instant is kept as one tick."""
    if ticks and ticks[-1][0] == at:
        return (*ticks[:-1], (at, ticks[-1][1] + 1))
    return (*ticks, (at, 1))
