"""`python -m app explain REQUEST_ID`: why a request was decided so, rule by rule, in words; or why it is not decided yet."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from app.errors import CommandFailed, UsageError
from app.kafka.reader import KafkaReader, opened_reader
from app.settings import Settings
from app.words import WORDS, yuan
from schemas.cells import HoldCell, load_cell
from schemas.ids import split_decision_id, split_key
from schemas.times import format_time, from_micros
from schemas.topics import DEAD_LETTER, REFUND_DECISION, REFUND_RESULT, changelog_topic
from schemas.vocabulary import Outcome, Reason

__all__ = ["LANGUAGES", "Found", "explain", "main"]

LANGUAGES: Final = ("zh", "en", "both")
Json = Mapping[str, Any]
MARKS: Final = {"hit": "✔", "miss": "✘", "unknown": "?"}
STATUS: Final = {
    "succeeded": ("已退款", "paid"),
    "failed": ("退款失败，额度已释放", "failed; its budget is free again"),
    "cancelled": ("退款取消，额度已释放", "cancelled; its budget is free again"),
    "recovered": ("款项已追回，额度不恢复", "recovered from the buyer; the budget stays used"),
}


@dataclass(slots=True)
class Found:
    """All that the topics say of one request."""

    decisions: list[Json] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)
    hold: HoldCell | None = None
    dead_letters: list[str] = field(default_factory=list)
    """The errors of dead letters that name the request."""


def explain(request_id: str, found: Found, language: str) -> list[str]:
    """The lines to print. `language`: zh, en or both."""
    lines: list[str] = []
    for decision in found.decisions:
        lines += [*_decision(decision, language), *_results(decision, found.results, language), ""]
    if found.hold is not None:
        due = format_time(from_micros(found.hold.due))
        version = found.hold.request.request_version
        lines.append(
            _say(
                language,
                f"{request_id} 版本{version}：等待订单物流信息，最迟 {due} 判定。",
                f"{request_id} version {version}: waits for its order's logistics, until {due} at most.",
            )
        )
    lines += [
        _say(language, f"死信：{error}", f"dead letter: a record of it could not be read: {error}")
        for error in found.dead_letters
    ]
    return lines


def _say(language: str, chinese: str, english: str) -> str:
    if language == "both":
        return f"{chinese}  |  {english}"
    return chinese if language == "zh" else english


def _decision(decision: Json, language: str) -> list[str]:
    approved = decision["outcome"] == Outcome.AUTO_APPROVE
    words = WORDS[Reason(decision["reasons"][0])]
    amount = yuan(decision["amount_fen"])
    chinese = f"自动退款 {amount}" if approved else f"转人工处理（{words.short}）"
    english = f"{amount} approved automatically" if approved else f"a person decides ({decision['reasons'][0]})"
    lines = [
        f"{decision['request_id']} v{decision['request_version']}  {decision['shop_id']}  {amount}  {decision['decided_at']}",
        _say(language, chinese, english),
    ]
    if not approved:
        lines.append(
            _say(
                language,
                f"未拒绝买家：请在 {decision['deadline_at']} 前处理，逾期平台默认同意。",
                f"Not a rejection: it waits for the seller until {decision['deadline_at']}, then the platform agrees.",
            )
        )
    if decision.get("strategy_id"):
        lines.append(
            _say(
                language,
                f"策略 {decision['strategy_id']} 版本{decision['strategy_version']}，{decision['spend_day']} 已用"
                f"{yuan(decision['spent_before_fen'])}→{yuan(decision['spent_after_fen'])}，上限{yuan(decision['daily_cap_fen'])}",
                f"strategy {decision['strategy_id']} version {decision['strategy_version']}, {decision['spend_day']}: used "
                f"{yuan(decision['spent_before_fen'])}, then {yuan(decision['spent_after_fen'])}, of {yuan(decision['daily_cap_fen'])}",
            )
        )
    lines += [_rule(entry, language) for entry in decision["trace"]]
    for shadow in decision.get("shadow", ()):
        reason = WORDS[Reason(shadow["reasons"][0])].short
        lines.append(
            _say(
                language,
                f"  影子策略 {shadow['strategy_id']} 版本{shadow['version']}：{reason}",
                f"  shadow strategy {shadow['strategy_id']} version {shadow['version']}: {shadow['reasons'][0]}",
            )
        )
    return lines


def _rule(entry: Json, language: str) -> str:
    words = WORDS[Reason(entry["rule"])]
    where = f"[{entry['strategy_id']}] " if entry.get("strategy_id") else ""
    found = _value(entry, "found")
    needed = _value(entry, "needed")
    seen = f"  ({found}{' / ' + needed if needed else ''})" if found or needed else ""
    return f"  {MARKS[entry['result']]} {where}{_say(language, words.zh, words.en)}{seen}"


def _value(entry: Json, name: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    money = entry["rule"] in {
        Reason.AMOUNT_INVALID, Reason.AMOUNT_OVER_REFUNDABLE, Reason.OVER_PER_ORDER_CAP, Reason.DAILY_CAP_REACHED, Reason.SHOP_CAP_REACHED,
    }  # fmt: skip
    return yuan(value) if money and type(value) is int else str(value)


def _results(decision: Json, results: Iterable[Json], language: str) -> list[str]:
    lines = []
    for result in results:
        if result["decision_id"] == decision["decision_id"]:
            chinese, english = STATUS[result["status"]]
            told = f"  → {result['at']}  {yuan(result['amount_fen'])}  "
            lines.append(told + _say(language, chinese, english))
    return lines


async def _search(reader: KafkaReader, request_id: str, shop_id: str | None, since: datetime) -> Found:
    partitions = None if shop_id is None else reader.homes(shop_id)
    found = Found()
    async for record in reader.read(REFUND_DECISION.name, partitions, since=since):
        if record.key == request_id.encode():
            found.decisions.append(orjson.loads(record.value))
    found.decisions.sort(key=lambda decision: (decision["request_version"], decision["decided_at"]))
    holds: dict[bytes, bytes | None] = {}
    async for record in reader.read(changelog_topic(reader.settings.app_id, "holds"), partitions):
        holds[record.key] = record.value
    for key, value in holds.items():
        if value is not None and split_key(key)[1] == request_id:
            found.hold = load_cell(HoldCell, value)
    if any(decision["outcome"] == Outcome.AUTO_APPROVE for decision in found.decisions):
        async for record in reader.read(REFUND_RESULT.name, since=since):
            result = _object(record.value)
            named = split_decision_id(str(result.get("decision_id")))
            if named is not None and named[0] == request_id and result.get("status") in STATUS:
                found.results.append(result)
    async for record in reader.read(DEAD_LETTER.name, since=since):
        if _object(record.value).get("request_id") == request_id:
            found.dead_letters.append(dict(record.headers).get("error", b"").decode(errors="replace"))
    return found


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        body = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _from_file(path: Path, request_id: str) -> Found:
    found = Found()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        body = _object(line)
        if "topic" not in body:
            raise UsageError(f"{path}: line {number}: not a line that `replay` prints")
        value = body.get("value") or {}
        if body["topic"] == REFUND_DECISION.name and value["request_id"] == request_id:
            found.decisions.append(value)
    return found


def main(
    settings: Settings,
    request_id: str,
    *,
    shop_id: str | None,
    days: int,
    language: str,
    file: str | None,
    as_json: bool,
) -> int:
    """The command. Exit code 1 where nothing is known of the request."""

    async def search() -> Found:
        async with opened_reader(settings) as reader:
            return await _search(reader, request_id, shop_id, datetime.now(UTC) - timedelta(days=days))

    found = _from_file(Path(file), request_id) if file else asyncio.run(search())
    if not (found.decisions or found.hold or found.dead_letters):
        where = f"in {file}" if file else f"in the last {days} days (--days looks further back)"
        raise CommandFailed(
            f"nothing is known of request {request_id} {where}. Was it ever sent to after-sale-request?"
        )
    if as_json:
        print(json.dumps([dict(decision) for decision in found.decisions], ensure_ascii=False, indent=2))
        return 0
    sys.stdout.write("\n".join(explain(request_id, found, language)).rstrip("\n") + "\n")
    return 0
