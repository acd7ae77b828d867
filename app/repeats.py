"""A library that says the same thing many times a second, as Kafka's client does of a broker that is away, is heard a few times."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

__all__ = ["REPEATS_MAX", "REPEAT_SECONDS", "Repeats"]

REPEATS_MAX: Final = 5
"""Lines of one kind that pass in REPEAT_SECONDS; how many did not, is said with the next one that does."""
REPEAT_SECONDS: Final = 10.0
KINDS_MAX: Final = 1_000
"""Kinds of lines that are counted at a time: bounds memory where a library writes values into its text."""


class Repeats(logging.Filter):
    """For a handler: bounds the lines of these libraries' loggers. Lines are of one kind that differ in their values only."""

    def __init__(self, libraries: Collection[str]) -> None:
        super().__init__()
        self._libraries = frozenset(libraries)
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        if record.name.partition(".")[0] not in self._libraries:
            return True
        kind = (record.name, str(record.msg))
        begun, number = self._seen.get(kind, (record.created, 0))
        if record.created - begun >= REPEAT_SECONDS:
            if number > REPEATS_MAX:
                record.msg = f"{record.msg} [{number - REPEATS_MAX} more like this before]"
            begun, number = record.created, 0
        if len(self._seen) >= KINDS_MAX:
            self._seen.clear()
        self._seen[kind] = (begun, number + 1)
        return number < REPEATS_MAX
