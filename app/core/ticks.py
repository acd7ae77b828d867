"""How many in the last minutes: instants with a count each, oldest first, cut to a sliding window."""

from __future__ import annotations

from typing import Final

from schemas.cells import Ticks

__all__ = ["MICROS_PER_MINUTE", "TICKS_MAX", "add", "count", "within"]

MICROS_PER_MINUTE = 60_000_000
TICKS_MAX: Final = 2_000
"""More instants than this are kept more coarsely, as a cell must stay small."""


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
    return _coarser((*ticks, (at, 1))) if len(ticks) >= TICKS_MAX else (*ticks, (at, 1))


def _coarser(ticks: Ticks) -> Ticks:
    """Half as many: two neighbours become one, at the later instant: when unsure, more count."""
    pairs = tuple((later[0], earlier[1] + later[1]) for earlier, later in zip(ticks[::2], ticks[1::2], strict=False))
    return pairs + ticks[2 * len(pairs) :]
