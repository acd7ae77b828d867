"""Money: whole fen, and nothing else. 100 fen = ¥1. The only currency is CNY (contract, 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["FEN_MAX", "FEN_MIN", "ZERO", "Money", "fen_json_schema"]

FEN_MAX: Final = 2**63 - 1
"""The largest amount a record may carry, in fen: what a signed 64-bit integer holds, as every neighbour reads it."""
FEN_MIN: Final = -(2**63)


def fen_json_schema(minimum: int = FEN_MIN, maximum: int = FEN_MAX) -> JsonSchemaValue:
    """How an amount from `minimum` to `maximum` fen looks in a JSON Schema."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum, "description": "an amount in fen, CNY"}


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in fen, negative allowed (a record may say so; the rules then turn it away).

    Raises TypeError for a bool, a float or anything that is not an int. Sums may pass 64 bits; what is read may not.
    """

    fen: int

    def __post_init__(self) -> None:
        if type(self.fen) is not int:
            raise TypeError(f"money is a whole number of fen, not {type(self.fen).__name__}")

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + other.fen)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - other.fen)

    def __bool__(self) -> bool:
        return self.fen != 0

    def __str__(self) -> str:
        """In yuan, as a person reads it: ¥12.30."""
        yuan, fen = divmod(abs(self.fen), 100)
        return f"{'-' if self.fen < 0 else ''}¥{yuan:,}.{fen:02d}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda money: money.fen, return_schema=core_schema.int_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return fen_json_schema()


def _read(value: Any) -> Money:
    if type(value) is Money:
        return value
    if type(value) is not int:
        raise PydanticCustomError("fen_type", "an integer of fen is needed, not {kind}", {"kind": type(value).__name__})
    if not FEN_MIN <= value <= FEN_MAX:
        raise PydanticCustomError("fen_range", "an amount of fen must fit 64 bits")
    return Money(value)


ZERO: Final = Money(0)
