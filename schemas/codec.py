"""Bytes to events and back. Parsed once, at the edge; whatever does not fit raises `InvalidRecord` with one line."""

from __future__ import annotations

from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas.errors import Fault, InvalidRecord
from schemas.events import (
    AfterSaleRequest,
    BuyerList,
    Control,
    Event,
    OrderLogistics,
    RefundResult,
    ShopCapConfig,
    StrategyConfig,
)
from schemas.ids import ALL

__all__ = ["ERROR_LENGTH_MAX", "INPUT_MODELS", "KEY_BYTES_MAX", "VALUE_BYTES_MAX", "decode", "read_json"]

VALUE_BYTES_MAX: Final = 1_048_576
"""A record's value beyond this many bytes is not parsed: a decision on it would not fit a Kafka record either."""
KEY_BYTES_MAX: Final = 64 * 1024
"""A record with a longer key is not read: it might not fit where it has to be forwarded to."""
ERROR_LENGTH_MAX: Final = 500
ERRORS_SHOWN_MAX: Final = 3

INPUT_MODELS: Final[dict[str, type[Event]]] = {
    "after-sale-request": AfterSaleRequest,
    "strategy-config": StrategyConfig,
    "order-logistics": OrderLogistics,
    "refund-result": RefundResult,
    "buyer-list": BuyerList,
    "control": Control,
}
"""The model of each input topic; a strategy-config for "*" is a `ShopCapConfig`."""


def read_json(value: bytes | None) -> dict[str, Any]:
    """The JSON object in `value`. Raises InvalidRecord: nothing there, too large, not UTF-8, not JSON, not an object."""
    if value is None:
        raise InvalidRecord("no value", Fault.NO_VALUE)
    if len(value) > VALUE_BYTES_MAX:
        raise InvalidRecord(f"value of {len(value)} bytes, at most {VALUE_BYTES_MAX}", Fault.TOO_LARGE)
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidRecord(f"not JSON: {_one_line(str(error))}", Fault.NOT_JSON) from None
    if type(body) is not dict:
        raise InvalidRecord(f"a JSON object is needed, not {type(body).__name__}", Fault.NOT_JSON)
    return body


def decode(topic: str, value: bytes | None) -> Event:
    """The event that `value` holds. Raises InvalidRecord, its text being one line for the dead letter's header."""
    body = read_json(value)
    model = INPUT_MODELS[topic]
    if model is StrategyConfig and body.get("strategy_id") == ALL:
        model = ShopCapConfig
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidRecord(_summary(error), _fault(error)) from None


def _summary(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{'.'.join(map(str, one['loc'])) or 'record'}: {one['msg']}" for one in found[:ERRORS_SHOWN_MAX]]
    if len(found) > ERRORS_SHOWN_MAX:
        shown.append(f"and {len(found) - ERRORS_SHOWN_MAX} more")
    return _one_line("; ".join(shown))


def _fault(error: ValidationError) -> Fault:
    """Of the first thing that is wrong."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind = str(first["type"])
    if first["loc"] == ("schema_version",):
        return Fault.SCHEMA_VERSION
    if kind == "missing":
        return Fault.MISSING
    return Fault.WRONG_TYPE if kind.endswith(("_type", "_parsing")) else Fault.WRONG_VALUE


def _one_line(text: str) -> str:
    return " ".join(text.split())[:ERROR_LENGTH_MAX]
