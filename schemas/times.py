"""Times and days: RFC 3339 with an offset at the edge, aware datetimes in China's time inside.

China has kept UTC+8 without summer time since 1991-09-15, so a fixed offset is the same as the zone Asia/Shanghai for
every time this service can meet (a test holds it against the zone database), and needs no zone files in a slim image.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

__all__ = ["SHANGHAI", "Instant", "SpendDay", "format_time", "from_micros", "parse_time", "to_micros"]

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=SHANGHAI) + timedelta(hours=8)
MICROSECOND: Final = timedelta(microseconds=1)

_FORM: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-5][0-9])"
_RFC3339: Final[Callable[[str], Any]] = re.compile(_FORM).fullmatch


def parse_time(text: Any) -> datetime:
    """The instant that RFC 3339 `text` names, in China's time, cut to microseconds.

    Raises ValueError for anything else; a time without an offset too (contract, 1).
    """
    if type(text) is datetime and text.tzinfo is not None:
        return text.astimezone(SHANGHAI)
    if type(text) is not str:
        raise ValueError(f"an RFC 3339 time is needed, not {type(text).__name__}")
    if _RFC3339(text) is None or text[11:13] == "24":
        raise ValueError("not an RFC 3339 time with an offset")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(SHANGHAI)
    except OverflowError:
        raise ValueError("the time is outside the years 1 to 9999") from None


def format_time(at: datetime) -> str:
    """RFC 3339 in China's time, to the millisecond; to the microsecond where that says more."""
    local = at if at.tzinfo is SHANGHAI else at.astimezone(SHANGHAI)
    return local.isoformat(timespec="microseconds" if at.microsecond % 1000 else "milliseconds")


def to_micros(at: datetime) -> int:
    """Microseconds since the epoch, exact."""
    return (at - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`."""
    return EPOCH + timedelta(microseconds=micros)


Instant = Annotated[
    datetime,
    PlainValidator(parse_time),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_FORM}$"}),
]
"""An event's time: RFC 3339 with an offset on the wire, an aware datetime in China's time inside."""


class SpendDay(str):
    """A civil day in Asia/Shanghai, [00:00, 24:00), written "YYYY-MM-DD" (domain [5]). Sorts as days do."""

    __slots__ = ()

    def __new__(cls, text: str) -> SpendDay:
        """Raises ValueError where `text` is no such day."""
        if len(text) != 10 or date.fromisoformat(text).isoformat() != text:
            raise ValueError(f"not a day YYYY-MM-DD: {text!r}")
        return super().__new__(cls, text)

    @classmethod
    def of(cls, at: datetime) -> SpendDay:
        """The day that the instant `at` belongs to."""
        return str.__new__(cls, at.astimezone(SHANGHAI).date().isoformat())

    def minus(self, days: int) -> SpendDay:
        """The day `days` earlier."""
        return str.__new__(SpendDay, (date.fromisoformat(self) - timedelta(days=days)).isoformat())
