"""How far something long has come: a bar on a terminal, a line now and then in a log. Both on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import Final, TextIO

__all__ = ["Progress"]

BAR_WIDTH: Final = 30
REDRAW_SECONDS: Final = 0.2
LINE_SECONDS: Final = 10.0


class Progress:
    """Tell it how much is done, as often as you like; it speaks when it is time. `total` None: nobody knows the end."""

    def __init__(
        self,
        what: str,
        total: float | None,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._what = what
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._clock = clock
        self._every = REDRAW_SECONDS if self._terminal else LINE_SECONDS
        self._spoke_at = clock()

    def at(self, done: float, words: str = "") -> None:
        """So much is done; `words` stand behind it."""
        if self._clock() - self._spoke_at >= self._every:
            self._speak(done, words)

    def end(self, done: float, words: str = "") -> None:
        """The last word: a bar is left standing, a log gets its line."""
        self._speak(done, words)
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def _speak(self, done: float, words: str) -> None:
        self._spoke_at = self._clock()
        text = f"{self._what} {self._portion(done)}  {words}".rstrip()
        self._stream.write(f"\r{text}\x1b[K" if self._terminal else f"{text}\n")
        self._stream.flush()

    def _portion(self, done: float) -> str:
        if not self._total:
            return f"{done:,.0f}"
        share = min(1.0, done / self._total)
        if not self._terminal:
            return f"{share:4.0%}"
        filled = round(share * BAR_WIDTH)
        return f"[{'█' * filled}{'·' * (BAR_WIDTH - filled)}] {share:4.0%}"
