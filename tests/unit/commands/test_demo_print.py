"""What the demo prints can be read: amounts, columns under each other, and colours only where there are any."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from app.commands.demo_print import Printer, pad
from app.samples.shop import Sample, build_sample
from app.words import WORDS, yuan
from schemas.topics import DEAD_LETTER, REFUND_ALERT
from schemas.vocabulary import Reason
from tests.unit.samples.test_shop import play

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def shown(sample: Sample, capsys: pytest.CaptureFixture[str], *, colours: bool) -> str:
    printer = Printer(sample, colours=colours)
    printer.start(190)
    for output in play(sample, NOON):
        value: dict[str, Any] = output["value"]
        if output["topic"] == DEAD_LETTER.name:
            printer.dead_letter(value, value["raw"].encode())
        elif output["topic"] == REFUND_ALERT.name:
            printer.alert(value)
        else:
            printer.decision(value)
    for stage in sample.stages:
        printer.stage(stage.title)
        for message in stage.messages:
            printer.published(message)
    printer.summary(sample.sent_twice)
    return capsys.readouterr().out


@pytest.mark.parametrize(("fen", "text"), [(0, "¥0.00"), (990, "¥9.90"), (12_345_678, "¥123,456.78"), (-5, "-¥0.05")])
def test_amounts_are_in_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


def test_columns_stand_under_each_other() -> None:
    for text in ("a", "小满零食铺", "小a铺"):
        padded = pad(text, 12)
        assert sum(2 if unicodedata.east_asian_width(one) == "W" else 1 for one in padded) == 12


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(Reason)


def test_a_whole_showing(capsys: pytest.CaptureFixture[str]) -> None:
    sample = build_sample(NOON, "t1", 1)
    out = shown(sample, capsys, colours=False)
    assert f"{len(sample.decided)} decisions, {len(Reason)} of {len(Reason)} reasons" in out
    assert "failed: ¥18.80 is free again" in out
    assert "阿木家居 · 全店" in out
    assert "\033[" not in out


def test_colours_are_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\033[32m✔" in shown(build_sample(NOON, "t1", 1), capsys, colours=True)
