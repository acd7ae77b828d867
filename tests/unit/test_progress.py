"""Progress: a bar on a terminal, lines in a log, nothing where nobody would see it."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Callable
from pathlib import Path

from app.progress import Progress


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that is later at each look."""
    now = 0.0

    def look() -> float:
        nonlocal now
        now += seconds
        return now

    return look


def test_a_log_gets_a_line_now_and_then() -> None:
    log = io.StringIO()
    progress = Progress("restore", 100, stream=log, clock=ticking(3))
    for done in (10, 20, 30, 40):
        progress.to(done)
    progress.end()
    assert log.getvalue() == "restore: 20 of 100 records (20 %), 3/s\nrestore: 40 of 100 records (40 %), 3/s\n"


def test_lines_can_go_to_a_logger() -> None:
    lines: list[str] = []
    log = io.StringIO()
    Progress("restore", stream=log, say=lines.append, clock=ticking(10)).to(1000, 2000)
    assert lines == ["restore: 1,000 of 2,000 records (50 %), 100/s"]
    assert log.getvalue() == ""


def test_what_is_over_soon_says_nothing() -> None:
    log = io.StringIO()
    Progress("replay", stream=log, clock=ticking(0.1)).to(1)
    assert log.getvalue() == ""


def test_without_a_total_there_is_a_count() -> None:
    log = io.StringIO()
    Progress("replay", stream=log, clock=ticking(5)).to(1234)
    assert log.getvalue() == "replay: 1,234 records, 247/s\n"


def test_more_than_all_is_all() -> None:
    log = io.StringIO()
    Progress("replay", 10, stream=log, clock=ticking(5)).to(30)
    assert "(100 %)" in log.getvalue()


def on_a_terminal(total: int | None) -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        progress = Progress("replay", total, stream=terminal, clock=ticking(1))
        progress.to(50)
        progress.end()
        text = os.read(ours, 1000).decode()
    os.close(ours)
    return text


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    text = on_a_terminal(100)
    assert "[###############...............] replay: 50 of 100 records (50 %)" in text
    assert text.endswith("\r\x1b[K")
    assert "[" not in on_a_terminal(None).replace("\x1b[K", "")


def test_nobody_sees_a_closed_or_a_null_stream() -> None:
    closed = io.StringIO()
    closed.close()
    lines: list[str] = []
    with Path(os.devnull).open("w") as null:
        for stream in (None, closed, null):
            Progress("restore", 100, stream=stream, say=lines.append, clock=ticking(10)).to(1)
    assert lines == []


def test_a_file_is_a_log(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        Progress("restore", 100, stream=log, clock=ticking(10)).to(1)
    assert (tmp_path / "log").read_text() == "restore: 1 of 100 records (1 %), 0/s\n"
