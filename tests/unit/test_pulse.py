"""A process that hangs, with the interpreter's lock in its hand, ends by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

SECONDS = 0.3
BEFORE = """
import ctypes, time
from app.pulse import Pulse
hang = ctypes.PyDLL(None).sleep  # keeps the interpreter's lock: no thread and no signal handler of Python's gets a turn
pulse = Pulse({seconds})
"""
ENDS_MAX = 30


def ends(code: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", BEFORE.format(seconds=SECONDS) + code],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ENDS_MAX + 30, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("begun", ["pulse.beat()", "pulse.leave(0.3)", "pulse.leave(0.3); pulse.beat()"])
def test_a_hang_ends_the_process_and_it_is_told_where(begun: str) -> None:
    code, said = ends(f"{begun}\nhang({ENDS_MAX})")
    assert code == 1
    assert "Timeout" in said
    assert 'File "<string>", line' in said


def test_a_loop_that_turns_goes_on_and_nothing_is_left_when_it_is_over() -> None:
    beats = "for _ in range(8):\n    pulse.beat()\n    time.sleep(0.1)\n"
    assert ends(f"{beats}pulse.stop()\ntime.sleep(0.5)") == (0, "")


def test_who_is_leaving_gets_no_more_time_by_another_beat() -> None:
    code, _ = ends("pulse.leave(0.3)\nfor _ in range(50):\n    pulse.beat()\n    time.sleep(0.1)\n")
    assert code == 1
