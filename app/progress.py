"""How far something long has come: a bar on a terminal, a line now and then in a log, nothing where nobody would see it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final, TextIO

__all__ = ["Progress"]

BAR_SECONDS: Final = 0.1
LINE_SECONDS: Final = 5.0
"""Between two lines in a log; what is over sooner says nothing."""
BAR_CELLS: Final = 30
CLEAR_LINE: Final = "\r\x1b[K"


class Progress:
    """Of `what`, counted in records; `total` None = nobody knows how many there are.

    `stream` is standard error, which may be None or closed. `say` writes the lines of a log instead of the stream.
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        *,
        stream: TextIO | None,
        say: Callable[[str], None] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._what = what
        self._total = total
        self._stream = stream if _is_seen(stream) else None
        self._say = say
        self._clock = clock
        self._is_bar = self._stream is not None and self._stream.isatty()
        self._started = self._shown_at = clock()
        self._drawn = False

    def to(self, done: int, total: int | None = None) -> None:
        """So many are done. Quick, so it may be called for each record."""
        if self._stream is None:
            return
        now = self._clock()
        if now - self._shown_at < (BAR_SECONDS if self._is_bar else LINE_SECONDS):
            return
        self._shown_at = now
        self._total = self._total if total is None else total
        text = self._text(done, now - self._started)
        if self._is_bar:
            self._drawn = True
            self._stream.write(f"{CLEAR_LINE}{self._bar(done)}{text}\r")
            self._stream.flush()
        elif self._say is not None:
            self._say(text)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def end(self) -> None:
        """It is over: the bar goes away."""
        if self._stream is not None and self._drawn:
            self._stream.write(CLEAR_LINE)
            self._stream.flush()

    def _text(self, done: int, seconds: float) -> str:
        pace = f", {done / seconds:,.0f}/s" if seconds > 0 else ""
        if not self._total:
            return f"{self._what}: {done:,} records{pace}"
        return f"{self._what}: {done:,} of {self._total:,} records ({min(100, 100 * done // self._total)} %){pace}"

    def _bar(self, done: int) -> str:
        if not self._total:
            return ""
        filled = min(BAR_CELLS, BAR_CELLS * done // self._total)
        return f"[{'#' * filled}{'.' * (BAR_CELLS - filled)}] "


def _is_seen(stream: TextIO | None) -> bool:
    if stream is None or stream.closed:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return True  # no file at all: somebody took it on purpose
    return not (stat.S_ISCHR(found.st_mode) and found.st_rdev == Path(os.devnull).stat().st_rdev)
