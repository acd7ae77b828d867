"""Once the worker has said why it stops, its libraries are silent: what they say of its end would bury the reason."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

__all__ = ["LastWord"]

OURS: Final = "app"


class LastWord(logging.Filter):
    """For a handler: after a CRITICAL line of our own, no line of these libraries passes."""

    def __init__(self, libraries: Collection[str]) -> None:
        super().__init__()
        self._libraries = frozenset(libraries)
        self._said = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        speaker = record.name.partition(".")[0]
        if speaker == OURS and record.levelno >= logging.CRITICAL:
            self._said = True
        return not (self._said and speaker in self._libraries)
