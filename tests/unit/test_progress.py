"""Progress: a bar that is drawn over itself on a terminal, a line now and then in a log."""

from __future__ import annotations

from io import StringIO

from app.progress import LINE_SECONDS, REDRAW_SECONDS, Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_sees_one_bar_that_grows() -> None:
    terminal, clock = Terminal(), Clock()
    progress = Progress("load", 200, stream=terminal, clock=clock)
    progress.at(1)
    clock.now += REDRAW_SECONDS
    progress.at(50, "fifty")
    progress.end(200)
    drawn = terminal.getvalue().split("\r")
    assert [one.count("█") for one in drawn] == [0, 8, 30]
    assert "25%  fifty" in drawn[1]
    assert terminal.getvalue().count("\n") == 1


def test_a_log_gets_a_line_every_ten_seconds_without_escape_sequences() -> None:
    log, clock = StringIO(), Clock()
    progress = Progress("load", 100, stream=log, clock=clock)
    for second in range(25):
        clock.now = float(second)
        progress.at(second)
    progress.end(100, "done")
    assert log.getvalue().splitlines() == ["load  10%", "load  20%", "load 100%  done"]
    assert LINE_SECONDS == 10


def test_more_than_all_is_all_and_an_unknown_end_is_a_count() -> None:
    log = StringIO()
    Progress("load", 10, stream=log).end(12)
    Progress("strategies", None, stream=log).end(1234)
    assert log.getvalue().splitlines() == ["load 100%", "strategies 1,234"]
