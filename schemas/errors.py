"""Errors named by who is at fault (the sender, or us). The world's errors (broker, network) keep their own names."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Fault", "InvalidRecord", "InvariantBroken"]


class Fault(StrEnum):
    """What kind of thing is wrong with a record: few and closed, for counting. The error's text says it exactly."""

    NO_VALUE = "no_value"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    """Not UTF-8, not JSON, or no object."""
    SCHEMA_VERSION = "schema_version"
    """Written by a release that is newer than this one, or by something else."""
    MISSING = "missing"
    """A field is missing."""
    WRONG_TYPE = "wrong_type"
    WRONG_VALUE = "wrong_value"
    """Out of range, an unknown word, or a contradiction within the record."""
    FUTURE = "future"
    """A time that lies ahead of the decision clock."""
    UNKNOWN_DECISION = "unknown_decision"
    """A result of something that was never approved here."""
    OVER_APPROVED = "over_approved"
    """A result of more money than was approved."""


class InvalidRecord(ValueError):  # noqa: N818 - named for what is wrong, as in the contract ("an invalid record")
    """The sender's fault: a record that contract.md does not allow. It goes to the dead-letter topic, whole."""

    def __init__(self, text: str, fault: Fault = Fault.WRONG_VALUE) -> None:
        super().__init__(text)
        self.fault = fault


class InvariantBroken(Exception):  # noqa: N818 - the same
    """Our fault: something that can never be, is. The worker stops; a wrong number is never written."""
