"""The command line: what it offers, what it costs, and what it exits with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from app.errors import CommandFailed
from app.kafka import topics

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "topics", "worker", "replay", "demo", "load", "explain", "strategies", "halt", "resume", "audit", "dead-letters", "backtest",
)  # fmt: skip


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def exit_code(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(command, "--help") == 0
    assert f"autorefund {command}" in capsys.readouterr().out


def test_help_lists_the_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {command}" in shown for command in COMMANDS)


@pytest.mark.parametrize("arguments", [(), ("refund",), ("replay",), ("topics", "x"), ("demo", "--seed", "one")])
def test_a_wrong_call_exits_2(arguments: tuple[str, ...]) -> None:
    assert exit_code(*arguments) == 2


def test_a_bad_setting_exits_2_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOREFUND_STORE", "disk")
    assert main(["topics"]) == 2
    assert capsys.readouterr().err.startswith("autorefund: AUTOREFUND_STORE=disk: ")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CommandFailed("one\ntwo"), "autorefund: one\nautorefund: two\n"),
        (KeyboardInterrupt(), "autorefund: interrupted\n"),
    ],
)
def test_a_failure_exits_1_and_says_why(
    error: BaseException, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(topics, "main", fails)
    assert main(["topics"]) == 1
    assert capsys.readouterr().err == told


def test_help_and_replay_load_no_kafka_client() -> None:
    loaded = run(
        "import sys, app.__main__, app.replay; print(*(one for one in ('faust', 'aiokafka', 'aiohttp') if one in sys.modules))"
    )
    assert loaded.strip() == ""


def test_the_command_line_is_loaded_without_any_command() -> None:
    loaded = run(
        "import sys, app.__main__; print(*(one for one in ('app.kafka.topics', 'app.replay', 'app.commands.demo') if one in sys.modules))"
    )
    assert loaded.strip() == ""


def test_output_that_nobody_reads_any_more_is_no_traceback(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text('{"topic": "control", "raw": "x", "at": "2026-11-23T10:00:00Z"}\n' * 2000)
    both = subprocess.run(
        ["bash", "-c", '"$0" -m app replay "$1" | head -n 1', sys.executable, str(lines)],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(both.stdout.splitlines()) == 1
    assert both.stderr == ""
