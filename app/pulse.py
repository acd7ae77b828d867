"""A watch over the event loop that needs nothing of it: where the loop stands still for too long, the process ends.

A call into a library that never returns holds up everything that is Python here, other threads too, as it may keep the
interpreter's lock: RocksDB waits so for room on a full disk. What watches is a thread of the interpreter's own, in C. It
writes where each thread stands, and leaves with exit code 1; the next life fences what was open, and nothing is lost.
"""

from __future__ import annotations

import faulthandler
import sys

__all__ = ["Pulse"]


class Pulse:
    """One a process. Between two beats `seconds_max` may pass, no more."""

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._leaving = False

    def beat(self) -> None:
        """The loop turns."""
        if not self._leaving:
            self._end_after(self._seconds_max)

    def leave(self, seconds_max: float) -> None:
        """The process is about to end by itself; if it does not within this time, it is ended."""
        self._leaving = True
        self._end_after(seconds_max)

    @staticmethod
    def stop() -> None:
        """The loop is over; nobody watches any more."""
        faulthandler.cancel_dump_traceback_later()

    @staticmethod
    def _end_after(seconds: float) -> None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
