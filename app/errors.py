"""Errors of commands. A record's errors are named in `schemas.errors`."""

from __future__ import annotations

__all__ = ["CommandFailed", "UsageError"]


class CommandFailed(Exception):  # noqa: N818 - it is the command's end, told to a person, not a fault in the code
    """The world is not as the command needs it. The text says what and how to mend it; exit code 1."""


class UsageError(Exception):
    """The command line or a setting is wrong. The text names it; exit code 2."""
