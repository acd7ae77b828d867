"""Commands that need no broker where a file is given: explain, strategies check, backtest; and what they refuse."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.__main__ import main
from app.commands.explain import Found, explain
from app.commands.strategies import Version, in_force
from app.replay import replay_lines
from app.words import WORDS
from schemas.cells import HoldCell
from schemas.times import format_time, to_micros
from schemas.vocabulary import Reason
from tests.builders import AT, later, logistics_value, request, request_value, result_value, strategy, strategy_value

Json = dict[str, Any]


def lines(**setup: Any) -> list[Json]:
    """A strategy, six orders, six requests of 100, 200, ... fen, a minute apart."""
    at = format_time(AT)
    told: list[Json] = [{"topic": "strategy-config", "value": strategy_value(**setup), "at": at}]
    for number in range(1, 7):
        at = format_time(later(minutes=number))
        asked = request_value(request_id=f"r-{number}", order_id=f"o-{number}", amount_fen=100 * number, applied_at=at)
        told.append({"topic": "order-logistics", "value": logistics_value(order_id=f"o-{number}"), "at": at})
        told.append({"topic": "after-sale-request", "value": asked, "at": at})
    return told


def write(path: Path, values: list[Json]) -> str:
    path.write_bytes(b"\n".join(map(orjson.dumps, values)))
    return str(path)


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Reason)
    assert all(words.short and words.zh and words.en for words in WORDS.values())


def test_explain_reads_what_replay_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = write(tmp_path / "out.jsonl", list(replay_lines(lines(per_order_cap_fen=300))))
    assert main(["explain", "r-4", "--file", outputs, "--lang", "zh"]) == 0
    said = capsys.readouterr().out
    assert "转人工处理（超过单笔上限）" in said
    assert "✘ [s-1] 不超过单笔上限(含该订单此前自动退款)  (¥4.00 / ¥3.00)" in said
    assert main(["explain", "r-3", "--file", outputs, "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "¥3.00 approved automatically" in said
    assert "used ¥3.00, then ¥6.00, of ¥100,000.00" in said
    assert main(["explain", "r-9", "--file", outputs]) == 1
    assert "nothing is known of request r-9" in capsys.readouterr().err
    assert main(["explain", "r-1", "--file", str(tmp_path / "none")]) == 2


def test_explain_tells_holds_results_shadows_and_dead_letters() -> None:
    shadow = {
        "topic": "strategy-config",
        "value": strategy_value(strategy_id="s-0", mode="shadow"),
        "at": format_time(AT),
    }
    decisions = [one["value"] for one in replay_lines([shadow, *lines()]) if one["topic"] == "refund-decision"]
    results = [result_value(decision_id="r-1:1", status=status) for status in ("succeeded", "recovered")]
    hold = HoldCell(due=to_micros(AT + timedelta(minutes=10)), arrival=1, request=request(request_version=2))
    found = Found(decisions=decisions[:1], results=results, hold=hold, dead_letters=["amount_fen: no"])
    said = "\n".join(explain("r-1", found, "both"))
    for part in ("影子策略 s-0", "shadow strategy s-0", "已退款  |  paid", "recovered from the buyer", "最迟 2026-11-23T10:10",
                 "version 2: waits", "死信：amount_fen: no"):  # fmt: skip
        assert part in said


def test_a_backtest_from_a_file_says_what_would_have_been_different(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = write(tmp_path / "in.jsonl", lines(per_order_cap_fen=200))
    draft = write(tmp_path / "draft.json", [strategy_value(per_order_cap_fen=500, daily_cap_fen=1000, version=9)])
    assert main(["backtest", draft, "--file", recorded]) == 0
    said = capsys.readouterr().out
    assert "on 6 requests" in said
    assert "approved 4, ¥10.00 in all" in said
    assert "1  daily_cap_reached" in said
    assert "2026-11-23  ¥10.00  the cap turned requests away from 2026-11-23T10:05" in said
    assert "beside what happened (2 approved, ¥3.00)" in said
    assert "2 more approved, ¥7.00; 0 fewer, ¥0.00" in said
    assert "¥10.00  p-1" in said


@pytest.mark.parametrize("content", ["{bad", '{"topic": "x"}', "[]"])
def test_a_backtest_of_no_recording_is_a_usage_error(content: str, tmp_path: Path) -> None:
    recorded = tmp_path / "in.jsonl"
    recorded.write_text(content)
    draft = write(tmp_path / "draft.json", [strategy_value()])
    assert main(["backtest", draft, "--file", str(recorded)]) == 2


def test_check_compares_files_and_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = write(tmp_path / "mine.json", [strategy_value()])
    other = write(tmp_path / "other.json", [strategy_value(strategy_id="s-2", name="other")])
    assert main(["strategies", "check", mine, "--against", other]) == 0
    assert "Overlaps with “other”" in capsys.readouterr().out
    wrong = write(tmp_path / "wrong.json", [strategy_value(per_order_cap_fen=0)])
    assert main(["strategies", "check", wrong]) == 2
    assert "per_order_cap_fen" in capsys.readouterr().err
    assert main(["strategies", "check", str(tmp_path / "none")]) == 2


def test_a_version_counts_once_it_is_above_the_one_before_57() -> None:
    written = [Version(strategy(strategy_id=one, version=number), AT) for one, number in
               (("a", 2), ("a", 1), ("b", 1), ("a", 2), ("a", 5), ("b", 1))]  # fmt: skip
    assert [(one.config.strategy_id, one.config.version) for one in in_force(written)] == [("a", 2), ("b", 1), ("a", 5)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["halt", "--by", "x", "--reason", "y"],
        ["halt", "--global", "--by", " ", "--reason", "y"],
        ["resume", "--shop", "s", "--by", "x"],
        ["dead-letters", "replay"],
        ["dead-letters", "replay", "nonsense"],
        ["dead-letters", "replay", "0/1", "0/2", "--value", "x"],
    ],
)
def test_what_is_wrongly_called_is_said_before_anything_is_done(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOREFUND_BROKERS", "127.0.0.1:1")
    assert main(arguments) == 2
