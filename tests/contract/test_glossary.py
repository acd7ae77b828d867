"""The glossary has every word of the contract, in both languages."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from app.words import markdown_table
from schemas import vocabulary
from schemas.vocabulary import Reason

GLOSSARY = (Path(__file__).parents[2] / "schemas" / "glossary.md").read_text()
ENUMS = [enum for name in vocabulary.__all__ if issubclass(enum := getattr(vocabulary, name), StrEnum)]
CHINESE = re.compile(r"[一-鿿]")


def test_every_reason_is_there_as_explanations_say_it() -> None:
    assert markdown_table() in GLOSSARY
    assert all(f"| `{reason}` |" in markdown_table() for reason in Reason)


@pytest.mark.parametrize("enum", [enum for enum in ENUMS if enum is not Reason])
def test_every_other_word_is_there_in_both_languages(enum: type[StrEnum]) -> None:
    table = GLOSSARY.partition(f"\n**{enum.__name__}**\n\n")[2].partition("\n\n")[0]
    rows = {row.split("|")[1].strip(" `"): row.split("|")[2:4] for row in table.splitlines()[2:]}
    assert list(rows) == [value.value for value in enum]
    for chinese, english in rows.values():
        assert CHINESE.search(chinese)
        assert english.strip()
