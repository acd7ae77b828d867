"""How one field is read strictly: taken as it should be, or the record is `BadRecordError`.

Required: every field that is not marked '?', has no '(default ...)' and is not documented 'or null' (there, absent is
null: upstream may leave out what it does not know). JSON null: only for '?' fields, for fields documented 'or null', and for
buyer_limits, breaker and daily_cap_fen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.oracle.times import instant

Json = dict[str, Any]
REQUIRED: Any = object()
ID_CHARACTERS_MAX = 128
INTEGER_MAX = 2**63 - 1


class BadRecordError(Exception):
    """The record cannot be read: it becomes a dead letter."""


def decoded(raw: str) -> Any:
    """The JSON of raw text. BadRecordError where it is none (NaN and Infinity are none)."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        return json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"not JSON: {error}") from error


def is_int(value: Any) -> bool:
    """contract, 1: a float, a bool or a string where an integer stands is invalid. So is one beyond 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -INTEGER_MAX - 1 <= value <= INTEGER_MAX


def field(obj: Json, name: str, read: Callable[[Any], Any], default: Any = REQUIRED, null: bool = False) -> Any:
    """One field: its default where absent, None where null is allowed and given, else what `read` makes of it."""
    if name not in obj:
        if default is REQUIRED:
            raise BadRecordError(f"{name}: missing")
        return default
    if obj[name] is None and null:
        return default if default is not REQUIRED else None
    try:
        return read(obj[name])
    except BadRecordError as error:
        raise BadRecordError(f"{name}: {error}") from error


def optional(obj: Json, name: str, read: Callable[[Any], Any]) -> Any:
    """A field marked '?' or documented 'or null': absent and null are the same."""
    return field(obj, name, read, default=None, null=True)


def obj(value: Any) -> Json:
    if not isinstance(value, dict):
        raise BadRecordError("not an object")
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadRecordError("not a string")
    return value


def ident(value: Any) -> str:
    if not 1 <= len(text(value)) <= ID_CHARACTERS_MAX:
        raise BadRecordError("empty or longer than 128")
    return text(value)


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRecordError("not true or false")
    return value


def integer(low: int | None = None, high: int | None = None) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not is_int(value):
            raise BadRecordError("not an integer")
        if (low is not None and value < low) or (high is not None and value > high):
            raise BadRecordError(f"{value} is out of range")
        return int(value)

    return read


def one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if text(value) not in choices:
            raise BadRecordError(f"{value!r} is none of {', '.join(choices)}")
        return text(value)

    return read


def list_of(read: Callable[[Any], Any], low: int = 0, high: int | None = None) -> Callable[[Any], list[Any]]:
    def read_all(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise BadRecordError("not a list")
        if len(value) < low or (high is not None and len(value) > high):
            raise BadRecordError(f"{len(value)} elements")
        return [read(each) for each in value]

    return read_all


def time(value: Any) -> datetime:
    try:
        return instant(value)
    except ValueError as error:
        raise BadRecordError(str(error)) from error
