"""Values that are no records, and records with something odd in them, each by a name: what upstreams, attackers and chance send."""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = ["MALFORMED", "NUMBERS", "good_or_bad", "with_number"]

MB: Final = 1_000_000

MALFORMED: Final[dict[str, bytes]] = {
    "nothing": b"",
    "blanks": b" \t\r\n",
    "a NUL": b"\x00",
    "a NUL behind a record": b"{}\x00",
    "bad UTF-8": b"\xff\xfe",
    "bad UTF-8 in a name": b'{"shop\xc3_id": "s"}',
    "an overlong slash": b'{"shop_id": "\xc0\xaf"}',
    "a surrogate as UTF-8": b'{"shop_id": "s", "strategy_id": "\xed\xa0\x80"}',
    "UTF-16": '{"shop_id": "s"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "cut off": b'{"shop_id": "s", "request_id": "r',
    "cut off in an escape": b'{"shop_id": "\\u12',
    "a lone surrogate": b'{"shop_id": "\\ud800", "strategy_id": "\\udfff", "request_id": "\\ud800"}',
    "two records": b"{}{}",
    "single quotes": b"{'shop_id': 's'}",
    "a comment": b"{} // that is all",
    "a comma too many": b'{"shop_id": "s",}',
    "a line break in a text": b'{"shop_id": "a\nb"}',
    "an array": b"[1, 2]",
    "a text": b'"text"',
    "null": b"null",
    "a number of 5,000 digits": b"1" * 5_000,
    "1e400": b"1e400",
    "-0": b"-0",
    "NaN": b"NaN",
    "NaN in a field": b'{"shop_id": NaN}',
    "100,000 arrays deep": b"[" * 100_000,
    "100,000 arrays deep and back": b"[" * 100_000 + b"]" * 100_000,
    "5,000 objects deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a text of a megabyte": b'"' + b"x" * MB + b'"',
    "500,000 items": b"[" + b"0," * (MB // 2 - 1) + b"0]",
    "a million items": b"[" + b"0," * (MB - 1) + b"0]",
    "80,000 fields": b"{" + b",".join(b'"%d":1' % number for number in range(80_000)) + b"}",
    "the same field 90,000 times": b"{" + b'"shop_id":1,' * 86_000 + b'"shop_id":1}',
    "10 MB": b'{"shop_id": "' + b"x" * 10 * MB + b'"}',
    "10 MB of blanks before a record": b" " * 10 * MB + b"{}",
    "the same field twice": b'{"shop_id": "shop-1", "shop_id": 7, "strategy_id": "s1"}',
    "an unknown schema": b'{"schema_version": 1e999, "shop_id": "s", "strategy_id": "s"}',
}
"""Never a record, of no topic."""

NUMBERS: Final = (
    "1" + "0" * 400, "-1" + "0" * 400, "1e400", "-1e400", "1e-400", "-0", "-0.0", "0.1", "1E2", "00", "0x10", "1_000", "+1",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "NaN", "Infinity",
    "-Infinity", ".5", "5.", "\u0661",
)  # fmt: skip
"""What may stand where an integer should."""
_PLACE: Final = "@number@"


def with_number(record: dict[str, Any], field: str, number: str) -> bytes:
    """The record, with `number` as it is in that field."""
    return json.dumps(record | {field: _PLACE}).replace(f'"{_PLACE}"', number).encode()


def good_or_bad(record: dict[str, Any]) -> dict[str, bytes]:
    """A good record with something odd around or inside. Whether it can still be read is for the code to say."""
    good = json.dumps(record).encode()
    inside = good[:-1]
    return {
        "blanks around it": b"\n " + good + b" \n",
        "a byte order mark before it": b"\xef\xbb\xbf" + good,
        "a NUL behind it": good + b"\x00",
        "everything twice": inside + b", " + good[1:],
        "1,000 arrays deep in an unknown field": inside + b', "x": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
        "100,000 arrays deep in an unknown field": inside + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "300,000 items in an unknown field": inside + b', "x": [' + b"0," * 300_000 + b"0]}",
        "60,000 unknown fields": inside + b"".join(b', "x%d": 0' % number for number in range(60_000)) + b"}",
        "a huge number in an unknown field": inside + b', "x": 1' + b"0" * 400 + b"}",
        "a lone surrogate in an unknown field": inside + b', "x": "\\ud800"}',
        "a NUL in an unknown field": inside + b', "x": "\\u0000"}',
        "an empty name": inside + b', "": null}',
        "padded to the last byte": good + b" " * (1_048_576 - len(good)),
        "padded beyond it": good + b" " * (1_048_577 - len(good)),
        "padded to 10 MB": good + b" " * 10 * MB,
    } | {
        f"{field} is {number}": with_number(record, field, number)
        for field, value in record.items()
        if type(value) is int
        for number in NUMBERS
    }
