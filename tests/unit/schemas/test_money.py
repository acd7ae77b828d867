"""Money is whole fen, and nothing else (contract, 1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.money import FEN_MAX, FEN_MIN, ZERO, Money

wire = TypeAdapter(Money)
fen = st.integers(FEN_MIN, FEN_MAX)


class WholeNumber(int):
    """An int in disguise."""


@pytest.mark.parametrize("not_fen", [True, False, 1.0, 9.9, "1", None, b"1", WholeNumber(1), Money(1)])
def test_money_is_made_of_an_int_and_of_nothing_else(not_fen: Any) -> None:
    with pytest.raises(TypeError, match="whole number of fen"):
        Money(not_fen)


@pytest.mark.parametrize("not_fen", [True, 1.0, "1", None, [1], {"fen": 1}, WholeNumber(1)])
def test_only_an_int_is_read_as_money(not_fen: Any) -> None:
    with pytest.raises(ValidationError, match="an integer of fen is needed"):
        wire.validate_python(not_fen)


@pytest.mark.parametrize("beyond", [FEN_MAX + 1, FEN_MIN - 1, 10**30])
def test_an_amount_beyond_64_bits_is_not_read(beyond: int) -> None:
    with pytest.raises(ValidationError, match="fit 64 bits"):
        wire.validate_python(beyond)


@given(fen)
def test_what_is_written_is_read_again(amount: int) -> None:
    assert wire.validate_json(wire.dump_json(Money(amount))) == Money(amount)
    assert wire.dump_json(Money(amount)) == str(amount).encode()


def test_money_is_taken_as_it_is() -> None:
    amount = Money(1)
    assert wire.validate_python(amount) is amount


@given(fen, fen)
def test_sums_and_differences_are_those_of_fen(left: int, right: int) -> None:
    assert Money(left) + Money(right) == Money(left + right)
    assert Money(left) - Money(right) == Money(left - right)


@given(fen, fen)
def test_money_sorts_as_fen_do(left: int, right: int) -> None:
    assert (Money(left) < Money(right)) == (left < right)
    assert (Money(left) <= Money(right)) == (left <= right)


@given(fen)
def test_money_is_true_unless_it_is_nothing(amount: int) -> None:
    assert bool(Money(amount)) == (amount != 0)


@pytest.mark.parametrize("other", [1, 1.0, "1"])
def test_money_and_bare_numbers_do_not_mix(other: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        Money(1) + other
    assert Money(1) != other


def test_money_does_not_change() -> None:
    with pytest.raises(AttributeError):
        ZERO.fen = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "¥0.00"),
        (5, "¥0.05"),
        (1230, "¥12.30"),
        (10_000_000, "¥100,000.00"),
        (-5, "-¥0.05"),
        (-1230, "-¥12.30"),
    ],
)
def test_money_shows_in_yuan(amount: int, shown: str) -> None:
    assert str(Money(amount)) == shown
