"""Numbers on the command line: a bad one is a usage error that says what is meant."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = ["count", "number"]


def count(most: int, *, least: int = 1) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def read(text: str) -> int:
        found = int(text) if text.isdecimal() else -1
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: {least} to {most:,} are meant")
        return found

    return read


def number(most: float) -> Callable[[str], float]:
    """More than 0, and at most `most`."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = 0.0
        if not 0 < found <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: more than 0, and at most {most:,.0f} are meant")
        return found

    return read
