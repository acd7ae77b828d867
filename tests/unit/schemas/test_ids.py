"""Identities and keys (domain [40]; contract, 2, 3)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.ids import ID_LENGTH_MAX, Id, decision_id, join_key, split_decision_id, split_key

tricky = st.text(alphabet="a|%25C7订", max_size=8)
parts = st.lists(tricky | st.text(max_size=8), min_size=1, max_size=4).map(tuple)
identity = TypeAdapter(Id)


@given(parts)
@example(("a|b", "c"))
@example(("a", "b|c"))
@example(("%7C",))
@example(("%", "|", "%257C"))
def test_a_key_gives_its_parts_back(several: tuple[str, ...]) -> None:
    assert split_key(join_key(*several)) == several


@given(parts, parts)
@example(("a|b", "c"), ("a", "b|c"))
@example(("a", "b"), ("a|b",))
@example(("a%7Cb",), ("a|b",))
def test_different_parts_never_give_the_same_key(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert (join_key(*left) == join_key(*right)) == (left == right)


def test_an_ordinary_key_reads_as_the_contract_writes_it() -> None:
    assert join_key("shop-1", "s-1", "2026-11-23") == b"shop-1|s-1|2026-11-23"


@given(st.text(min_size=1, max_size=20), st.integers(1, 2**63 - 1))
def test_a_decision_id_names_its_request_and_version(request_id: str, version: int) -> None:
    assert split_decision_id(decision_id(request_id, version)) == (request_id, version)


def test_a_decision_id_reads_as_the_contract_writes_it() -> None:
    assert decision_id("r-1", 2) == "r-1:2"


@pytest.mark.parametrize(
    "text", ["", ":", "r", "r:", ":1", "r:x", "r:-1", "r:+1", "r:01", "r: 1", "r:1 ", "r:1.0", "r:²", "r:１"]
)
def test_what_is_no_decision_id_is_none(text: str) -> None:
    assert split_decision_id(text) is None


@pytest.mark.parametrize("text", ["a", "|", "订" * ID_LENGTH_MAX])
def test_an_identity_has_1_to_128_characters(text: str) -> None:
    assert identity.validate_python(text) == text


@pytest.mark.parametrize("text", ["", "x" * (ID_LENGTH_MAX + 1), 1, None])
def test_an_identity_is_no_other_thing(text: object) -> None:
    with pytest.raises(ValidationError):
        identity.validate_python(text)
