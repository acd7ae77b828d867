"""The Faust app as this layer sees it: one that has lanes, and says once what it stopped for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import faust

from app.exactly_once.lanes import Lanes
from app.exactly_once.layer import SERVICE_LOG

__all__ = ["LaneApp"]

log = logging.getLogger(__name__)


class LaneApp(faust.App):
    """A Faust app that has lanes."""

    logger = SERVICE_LOG
    lanes: Lanes
    failure: BaseException | None = None
    """What made the app stop, if it did not stop by itself."""
    at_failure: Callable[[], None] | None = None
    """Called as soon as that is known."""

    def crash_soon(self, error: BaseException) -> None:
        """Stop the worker because of `error`; for callers that cannot await."""
        if self.failure is None:
            self._say_why(error)
            self._crashing = asyncio.ensure_future(self.crash(error))

    def _crash(self, reason: BaseException) -> None:
        """As mode's, which comes here whatever part of the app failed."""
        if self.failure is None:
            self._say_why(reason)
        super()._crash(reason)

    def _say_why(self, error: BaseException) -> None:
        self.failure = error
        if self.at_failure is not None:
            self.at_failure()
        log.critical("the worker stops: %s: %s", type(error).__name__, " ".join(str(error).split()))
        log.debug("where that comes from", exc_info=error)
