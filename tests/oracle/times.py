"""Times as a naive reader takes them: RFC 3339 in, aware datetimes inside, +08:00 out."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
MICROSECOND = timedelta(microseconds=1)
DAY_MICROSECONDS = 24 * 60 * 60 * 1_000_000
AHEAD_MAX = timedelta(minutes=5)
HOLD = timedelta(minutes=10)
DEADLINE_DEFAULT = timedelta(hours=36)

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def instant(text: object) -> datetime:
    """The instant an RFC 3339 text names. ValueError where it is none, or has no offset (contract, 1)."""
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"not an RFC 3339 time with an offset: {text!r}")
    day, clock, fraction, offset = found.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    return datetime.fromisoformat(f"{day}T{clock}.{micros}{'+00:00' if offset in 'Zz' else offset}")


def shown(at: datetime) -> str:
    """As outputs write it: +08:00, milliseconds, microseconds where there are any."""
    local = at.astimezone(SHANGHAI)
    return local.isoformat(timespec="microseconds" if local.microsecond % 1000 else "milliseconds")


def civil_day(at: datetime) -> date:
    """domain [5]: the civil day in Asia/Shanghai, [00:00, 24:00)."""
    return at.astimezone(SHANGHAI).date()


def time_of_day(at: datetime) -> timedelta:
    """How long after midnight it is in Asia/Shanghai."""
    local = at.astimezone(SHANGHAI)
    return timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def clock_time(text: str) -> timedelta:
    """'HH:MM' as the time after midnight; '24:00' is the whole day."""
    return timedelta(hours=int(text[:2]), minutes=int(text[3:]))
