"""Errors named by who is at fault (the sender, or us). The world's errors (broker, network) keep their own names."""

from __future__ import annotations

__all__ = ["InvalidRecord", "InvariantBroken"]


class InvalidRecord(ValueError):  # noqa: N818 - named for what is wrong, as in the contract ("an invalid record")
    """The sender's fault: a record that contract.md does not allow. It goes to the dead-letter topic, whole."""


class InvariantBroken(Exception):  # noqa: N818 - the same
    """Our fault: something that can never be, is. The worker stops; a wrong number is never written."""
