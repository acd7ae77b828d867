"""Makes a failing stream short: drops ever smaller runs of lines while the failure stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TRIES_MAX = 3000


def shortest(lines: list[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """A subsequence that still fails and from which no single line can be dropped (as far as TRIES_MAX goes)."""
    tries, size = 0, max(1, len(lines) // 2)
    while True:
        start, dropped = 0, False
        while start < len(lines) and tries < TRIES_MAX:
            tries += 1
            shorter = lines[:start] + lines[start + size :]
            if shorter and fails(shorter):
                lines, dropped = shorter, True
            else:
                start += size
        if tries >= TRIES_MAX or (size == 1 and not dropped):
            return lines
        size = max(1, size // 2)
