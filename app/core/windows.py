"""Execution windows: hours of the day in China's time, by the time of applying (domain [7, 8, 60])."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from schemas.events.strategies import ExecutionWindow
from schemas.times import SHANGHAI

__all__ = ["ALL_DAY", "describe", "inside"]

ALL_DAY: Final = "all day"


def inside(windows: Sequence[ExecutionWindow], applied_at: datetime) -> bool:
    """Whether the instant lies in one of the windows; no window = all day."""
    if not windows:
        return True
    local = applied_at.astimezone(SHANGHAI)
    return any(_holds(window, local) for window in windows)


def describe(windows: Sequence[ExecutionWindow]) -> str:
    """The windows in one line."""
    if not windows:
        return ALL_DAY
    return ", ".join(
        f"{window.start}-{window.end}" + ("" if window.weekdays is None else f" on {sorted(set(window.weekdays))}")
        for window in windows
    )


def _holds(window: ExecutionWindow, local: datetime) -> bool:
    minute, weekday = local.hour * 60 + local.minute, local.isoweekday()
    start, end = window.start_minute, window.end_minute
    if start < end:
        return start <= minute < end and _on(window, weekday)
    # A window over midnight belongs to the weekday it starts on: after midnight that was yesterday (domain [8]).
    return (minute >= start and _on(window, weekday)) or (minute < end and _on(window, (weekday - 2) % 7 + 1))


def _on(window: ExecutionWindow, weekday: int) -> bool:
    return window.weekdays is None or weekday in window.weekdays
