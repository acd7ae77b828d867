"""`replay FILE`: the processor on recorded lines, time moved by `at` alone (contract, 4)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import replay
from app.__main__ import main
from app.errors import UsageError
from app.lane_job import Emit
from app.processor import Rules
from app.replay import BadLine, Replay, open_lane, replay_lines
from schemas.times import format_time
from tests.builders import later, logistics_value, request_value, strategy_value
from tests.json_schemas import check_output

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
REQUEST, LOGISTICS, STRATEGY = "after-sale-request", "order-logistics", "strategy-config"


def line(topic: str, value: object, *, key: str | None = "key", **by: float) -> Json:
    return {"topic": topic, "key": key, "value": value, "at": format_time(later(**by))}


def raw(topic: str, text: object, **by: float) -> Json:
    return {"topic": topic, "key": "key", "raw": text, "at": format_time(later(**by))}


def clock(**by: float) -> Json:
    return {"at": format_time(later(**by))}


def written(path: Path, *lines: Json | str) -> str:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines), "utf-8")
    return str(path)


def played(lines: list[Any], rules: Rules | None = None) -> list[Json]:
    """The outputs of these lines, each held against its JSON Schema."""
    outputs = list(replay_lines(lines, rules))
    for one in outputs:
        check_output(Emit(one["topic"], None, json.dumps(one["value"]).encode()))
    return outputs


def decided(outputs: list[Json]) -> list[tuple[str, str, str]]:
    return [
        (one["value"]["request_id"], one["value"]["reasons"][0], one["value"]["decided_at"])
        for one in outputs
        if one["topic"] == "refund-decision"
    ]


def test_lines_go_through_the_processor_in_order() -> None:
    lines = [line(STRATEGY, strategy_value()), line(LOGISTICS, logistics_value()), line(REQUEST, request_value())]
    (decision,) = played(lines)
    assert (decision["topic"], decision["key"]) == ("refund-decision", "r-1")
    assert decision["value"]["outcome"] == "auto_approve"


def test_a_hold_ends_before_the_next_line_at_its_due_time() -> None:
    lines = [
        line(STRATEGY, strategy_value()),
        line(REQUEST, request_value()),
        line(LOGISTICS, logistics_value(), hours=5),
    ]
    assert decided(played(lines)) == [("r-1", "order_unknown", format_time(later(minutes=10)))]


def test_holds_of_different_times_end_each_at_its_own() -> None:
    lines = [line(STRATEGY, strategy_value())]
    lines += [line(REQUEST, request_value(request_id=f"r-{n}"), minutes=n) for n in (0, 2)]
    assert decided(played([*lines, clock(hours=1)])) == [
        ("r-0", "order_unknown", format_time(later(minutes=10))),
        ("r-2", "order_unknown", format_time(later(minutes=12))),
    ]


def test_a_hold_ends_before_a_line_of_the_same_instant() -> None:
    lines = [
        line(STRATEGY, strategy_value()),
        line(REQUEST, request_value()),
        line(LOGISTICS, logistics_value(), minutes=10),
    ]
    assert [reason for _, reason, _ in decided(played(lines))] == ["order_unknown"]


def test_a_line_that_only_moves_the_clock_ends_holds_and_says_nothing_else() -> None:
    lane = Replay()
    for one in (line(STRATEGY, strategy_value()), line(REQUEST, request_value())):
        assert lane.feed(one) == []
    assert lane.feed(clock(minutes=10, microseconds=-1)) == []
    assert len(lane.feed(clock(minutes=10))) == 1
    assert lane.feed(clock(days=9)) == []


def test_time_moves_only_with_the_lines() -> None:
    """What is still held at the end stays held."""
    assert played([line(STRATEGY, strategy_value()), line(REQUEST, request_value())]) == []


def test_the_wait_is_the_rules_own() -> None:
    lines = [line(STRATEGY, strategy_value()), line(REQUEST, request_value())]
    assert len(played(lines, Rules(hold=timedelta(0)))) == 1


@pytest.mark.parametrize("topic", [STRATEGY, "buyer-list"])
def test_a_null_value_is_a_tombstone_57(topic: str) -> None:
    assert played([line(topic, None)]) == []


def test_a_null_value_elsewhere_is_a_dead_letter_without_raw() -> None:
    assert played([line(REQUEST, None, key=None)]) == [
        {"topic": "dead-letter", "key": None, "value": {"topic": REQUEST, "error": "no value", "raw": None}}
    ]


def test_raw_stands_for_bytes_that_cannot_be_read() -> None:
    (letter,) = played([raw("control", "{订")])
    assert (letter["topic"], letter["key"]) == ("dead-letter", "key")
    assert letter["value"].pop("error").startswith("not JSON: ")
    assert letter["value"] == {"topic": "control", "raw": "{订"}


def test_raw_that_can_be_read_is_read() -> None:
    (decision,) = played([raw(REQUEST, json.dumps(request_value()))])
    assert decision["value"]["reasons"] == ["strategy_missing"]


def test_a_value_of_the_wrong_kind_is_the_records_fault_not_the_lines() -> None:
    values: list[object] = [[], 3, "text", request_value(amount_fen=9.9)]
    outputs = played([line(REQUEST, value) for value in values])
    assert [one["value"]["error"] for one in outputs] == [
        "a JSON object is needed, not list",
        "a JSON object is needed, not int",
        "a JSON object is needed, not str",
        "amount_fen: an integer of fen is needed, not float",
    ]


def test_an_alert_is_printed_under_its_key() -> None:
    (letter, alert) = played([line(STRATEGY, strategy_value(per_order_cap_fen=2001))])
    assert (letter["topic"], alert["topic"], alert["key"]) == ("dead-letter", "refund-alert", "s-1")
    assert alert["value"]["kind"] == "config_rejected"


BAD: list[tuple[Any, str]] = [
    ([], "a JSON object is needed"),
    (None, "a JSON object is needed"),
    ({}, "at: an RFC 3339 time is needed"),
    ({"at": "2026-11-23T10:00:00"}, "at: not an RFC 3339 time with an offset"),
    ({"at": 1}, "at: an RFC 3339 time is needed, not int"),
    (clock() | {"value": {}}, "a record needs its topic"),
    (clock() | {"key": "k"}, "a record needs its topic"),
    (line("refund-decision", {}), "unknown topic 'refund-decision'"),
    (line("no-such-topic", {}), "unknown topic 'no-such-topic'"),
    (line(None, {}), "unknown topic None"),  # type: ignore[arg-type]
    (line([], {}), r"unknown topic \[\]"),  # type: ignore[arg-type]
    (line(REQUEST, {}, key=1), "key: a text is needed"),  # type: ignore[arg-type]
    (clock() | {"topic": REQUEST}, "either `value` or `raw` is needed"),
    (line(REQUEST, {}) | {"raw": ""}, "either `value` or `raw` is needed"),
    (raw(REQUEST, 1), "raw: a text is needed"),
    (raw(REQUEST, None), "raw: a text is needed"),
]


@pytest.mark.parametrize(("bad", "error"), BAD)
def test_a_line_that_the_contract_does_not_allow_is_refused(bad: object, error: str) -> None:
    with pytest.raises(BadLine, match=error):
        played([bad])


def test_a_bad_line_does_nothing_to_what_is_remembered() -> None:
    lane = Replay()
    with pytest.raises(BadLine):
        lane.feed(line("no-such-topic", {}))
    assert all(len(store) == 0 for store in lane.stores.values())


def test_a_lane_may_be_opened_over_stores_that_are_there_already() -> None:
    first = Replay()
    first.feed(line(STRATEGY, strategy_value()))
    job, stores = open_lane(stores=first.stores)
    assert stores is first.stores
    assert job.next_due() is None


@pytest.mark.parametrize("text", ["{", "", "nonsense", '{"at": NaN}', "\ufeff{}", '{"topic": "after-sale-request"}'])
def test_a_bad_line_in_a_file_is_a_usage_error_with_its_number(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "lines.jsonl", clock(), clock(), text, "also bad")
    with pytest.raises(UsageError, match=r"lines\.jsonl: line 3: "):
        replay.main(path)


def test_bytes_that_are_no_text_are_a_usage_error_too(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\n")
    with pytest.raises(UsageError, match="line 1: not JSON"):
        replay.main(str(tmp_path / "bytes"))


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_opened_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        replay.main(str(tmp_path / name))


def test_each_output_is_one_line_and_what_came_before_a_bad_line_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "lines", raw(REQUEST, "?"), line(REQUEST, request_value()), "bad")
    assert main(["replay", path]) == 2
    told = capsys.readouterr()
    assert [json.loads(one)["topic"] for one in told.out.splitlines()] == ["dead-letter", "refund-decision"]
    assert told.err.startswith(f"autorefund: {path}: line 3: not JSON")


def test_the_wait_comes_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("AUTOREFUND_HOLD_SECONDS", "60")
    path = written(
        tmp_path / "lines", line(STRATEGY, strategy_value()), line(REQUEST, request_value()), clock(minutes=1)
    )
    assert main(["replay", path]) == 0
    assert json.loads(capsys.readouterr().out)["value"]["reasons"] == ["order_unknown"]


def test_a_dash_stands_for_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed = io.BytesIO(json.dumps(line(REQUEST, request_value())).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(typed))
    assert replay.main("-") == 0
    assert json.loads(capsys.readouterr().out)["key"] == "r-1"


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "replay", *arguments]
    return subprocess.run(
        command, input=text, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=60
    )


def test_the_command_reads_standard_input_and_exits_with_0() -> None:
    done = run("-", text=json.dumps(line(REQUEST, request_value(reason="买家描述"))) + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["value"]["buyer_reason"] == "买家描述"


def test_the_command_exits_with_2_and_the_number_of_the_bad_line(tmp_path: Path) -> None:
    done = run(written(tmp_path / "lines.jsonl", clock(), line("no-such-topic", {})))
    assert (done.returncode, done.stdout) == (2, "")
    assert "lines.jsonl: line 2: unknown topic 'no-such-topic'" in done.stderr
