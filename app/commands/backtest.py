"""`python -m app backtest DRAFT`: what a strategy would have done to past requests, and how that differs from what happened.

The requests of the draft's shop are decided again, by the processor itself on tables in memory, with the draft as a live
strategy in place of the one of its id. From Kafka, or from a file that `replay` reads.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from app.commands.strategies import accepted, read_config
from app.errors import CommandFailed, UsageError
from app.kafka.reader import KafkaReader, opened_reader
from app.replay import BadLine, Replay
from app.settings import Settings
from app.words import WORDS, yuan
from schemas.events import StrategyConfig
from schemas.times import format_time
from schemas.topics import (
    AFTER_SALE_REQUEST,
    CONTROL,
    ORDER_LOGISTICS,
    REFUND_ALERT,
    REFUND_DECISION,
    REFUND_RESULT,
    STRATEGY_CONFIG,
)
from schemas.vocabulary import AlertKind, Mode, Outcome, Reason

__all__ = ["Outlook", "main", "run_lines"]

TOP: Final = 5
PROGRESS_EVERY: Final = 5_000
Line = dict[str, Any]
LEFT_OUT: Final = frozenset({CONTROL.name, REFUND_RESULT.name})
"""Halts are over, and results belong to what was really approved."""


@dataclass(slots=True)
class Outlook:
    """What one run came to. Amounts in fen."""

    decisions: dict[str, Line] = field(default_factory=dict)
    """By decision id."""
    caps_reached: dict[str, str] = field(default_factory=dict)
    """Day -> when the strategy's cap turned the first request away."""
    products: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Decision id -> the products asked for."""

    def approved(self, strategy_id: str | None = None) -> dict[str, int]:
        """Decision id -> amount, of one strategy or of all."""
        return {
            name: decision["amount_fen"]
            for name, decision in self.decisions.items()
            if decision["outcome"] == Outcome.AUTO_APPROVE and strategy_id in {None, decision.get("strategy_id")}
        }


def run_lines(lines: Iterable[Line], draft: StrategyConfig | None, *, progress: bool = False) -> Outlook:
    """Decide the lines; with `draft` in force from before the first, and no other version of it. Raises BadLine."""
    replay, outlook = Replay(), Outlook()
    for number, line in enumerate(_with_draft(lines, draft)):
        value = line.get("value")
        if line.get("topic") == AFTER_SALE_REQUEST.name and isinstance(value, dict):
            _note_products(outlook, value)
        for output in replay.feed(line):
            _note(outlook, output, None if draft is None else draft.strategy_id)
        if progress and number and number % PROGRESS_EVERY == 0:
            sys.stderr.write(f"\r{number} records, {len(outlook.decisions)} decisions ")
            sys.stderr.flush()
    if progress:
        sys.stderr.write("\n")
    return outlook


def _with_draft(lines: Iterable[Line], draft: StrategyConfig | None) -> Iterator[Line]:
    place = None if draft is None else (draft.shop_id, draft.strategy_id)
    told = False
    for line in lines:
        if draft is not None and not told:
            told = True
            config = draft.model_dump(mode="json", exclude_none=True)
            yield {"topic": STRATEGY_CONFIG.name, "value": config, "at": line["at"]}
        value = line.get("value")
        if (
            line.get("topic") != STRATEGY_CONFIG.name
            or not isinstance(value, dict)
            or (value.get("shop_id"), value.get("strategy_id")) != place
        ):
            yield line


def _note_products(outlook: Outlook, request: Mapping[str, Any]) -> None:
    items = request.get("items")
    if isinstance(items, list):
        name = f"{request.get('request_id')}:{request.get('request_version')}"
        outlook.products[name] = tuple(str(item.get("product_id")) for item in items if isinstance(item, dict))


def _note(outlook: Outlook, output: Line, strategy_id: str | None) -> None:
    value = output["value"]
    if output["topic"] == REFUND_DECISION.name:
        outlook.decisions[value["decision_id"]] = value
    is_cap = output["topic"] == REFUND_ALERT.name and value["kind"] == AlertKind.CAP_REACHED
    if is_cap and value.get("strategy_id") == strategy_id:
        outlook.caps_reached.setdefault(value["spend_day"], value["raised_at"])


def main(settings: Settings, draft_path: str, *, file: str | None, days: int) -> int:
    """Print the outlook of the draft beside what happened."""
    _, config = read_config(draft_path)
    if not isinstance(config, StrategyConfig):
        raise UsageError(f"{draft_path}: a strategy is needed, not the cap over all strategies")
    draft = config.model_copy(update={"enabled": True, "mode": Mode.LIVE, "deleted": False})
    if file is None:
        lines, actual = asyncio.run(_from_kafka(settings, draft, days))
    else:
        lines = _of_shop(_from_file(file), draft.shop_id)
        try:
            actual = run_lines(lines, None)
        except BadLine as error:
            raise UsageError(f"{file}: {error}") from None
    if not any(line.get("topic") == AFTER_SALE_REQUEST.name for line in lines):
        raise CommandFailed(f"there are no requests of shop {draft.shop_id} to look at")
    outlook = run_lines(lines, draft, progress=sys.stderr.isatty())
    sys.stdout.write("\n".join(_report(draft, outlook, actual)) + "\n")
    return 0


def _report(draft: StrategyConfig, outlook: Outlook, actual: Outlook) -> Iterator[str]:
    mine = outlook.approved(draft.strategy_id)
    yield f"{draft.shop_id} {draft.strategy_id} “{draft.name}” on {len(outlook.decisions)} requests:"
    yield f"  approved {len(mine)}, {yuan(sum(mine.values()))} in all"
    yield from _counted("by reason", Counter(one["reasons"][0] for one in outlook.decisions.values()), _reason)
    buyers: Counter[str] = Counter()
    products: Counter[str] = Counter()
    by_day: dict[str, int] = defaultdict(int)
    for name, amount in mine.items():
        buyers[outlook.decisions[name]["buyer_id"]] += amount
        by_day[outlook.decisions[name]["spend_day"]] += amount
        for product in dict.fromkeys(outlook.products.get(name, ())):
            products[product] += amount
    yield from _counted("top buyers", buyers, _amount)
    yield from _counted("top products", products, _amount)
    yield f"  by day (of {yuan(draft.daily_cap_fen.fen)})"
    for day, amount in sorted(by_day.items()):
        reached = outlook.caps_reached.get(day)
        yield f"    {day}  {yuan(amount)}" + (f"  the cap turned requests away from {reached}" if reached else "")
    yield from _compared(outlook.approved(), actual.approved())


def _compared(then: Mapping[str, int], happened: Mapping[str, int]) -> Iterator[str]:
    more = {name: amount for name, amount in then.items() if name not in happened}
    less = {name: amount for name, amount in happened.items() if name not in then}
    yield f"  beside what happened ({len(happened)} approved, {yuan(sum(happened.values()))}):"
    yield f"    {len(more)} more approved, {yuan(sum(more.values()))}; {len(less)} fewer, {yuan(sum(less.values()))}"


def _counted(title: str, counts: Counter[str], told: Any) -> Iterator[str]:
    if counts:
        yield f"  {title}"
        yield from (
            f"    {told(name, number)}" for name, number in counts.most_common(TOP if told is _amount else None)
        )


def _reason(reason: str, number: int) -> str:
    return f"{number:>6}  {reason} {WORDS[Reason(reason)].short}"


def _amount(name: str, fen: int) -> str:
    return f"{yuan(fen):>12}  {name}"


def _from_file(path: str) -> list[Line]:
    try:
        raw = Path(path).read_bytes().splitlines()
        lines = [orjson.loads(line) for line in raw]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    if not all(isinstance(line, dict) and "at" in line for line in lines):
        raise UsageError(f"{path}: a line is no object with `at`")
    return lines


def _of_shop(lines: Iterable[Line], shop_id: str) -> list[Line]:
    chosen = []
    for line in lines:
        value = line.get("value")
        of_shop = isinstance(value, dict) and value.get("shop_id") in {shop_id, "*"}
        if (of_shop and line["topic"] not in LEFT_OUT) or "topic" not in line:
            chosen.append(line)
    return chosen


async def _from_kafka(settings: Settings, draft: StrategyConfig, days: int) -> tuple[list[Line], Outlook]:
    since = datetime.now(UTC) - timedelta(days=days)
    async with opened_reader(settings) as reader:
        records = await _inputs(reader, draft.shop_id, since)
        actual = Outlook()
        async for record in reader.read(REFUND_DECISION.name, reader.homes(draft.shop_id), since=since):
            value = orjson.loads(record.value)
            if value["shop_id"] == draft.shop_id:
                actual.decisions[value["decision_id"]] = value
    return records, actual


async def _inputs(reader: KafkaReader, shop_id: str, since: datetime) -> list[Line]:
    """What the shop's lane has read, as lines: today's strategies, all orders that are still there, the requests."""
    begin = format_time(since)
    configs = {one.config.strategy_id: one.config for one in await accepted(reader, shop_id)}
    lines = [
        {"topic": STRATEGY_CONFIG.name, "value": config.model_dump(mode="json", exclude_none=True), "at": begin}
        for config in configs.values()
    ]
    found: list[tuple[int, Line]] = []
    for topic, start in ((ORDER_LOGISTICS.name, None), (AFTER_SALE_REQUEST.name, since)):
        async for record in reader.read(topic, since=start):  # all partitions: misplaced ones belong to the shop, too
            try:
                value = orjson.loads(record.value or b"null")
            except orjson.JSONDecodeError:
                continue
            if isinstance(value, dict) and value.get("shop_id") == shop_id:
                at = max(since, datetime.fromtimestamp(record.timestamp / 1000, UTC))
                found.append((record.timestamp, {"topic": topic, "value": value, "at": format_time(at)}))
    return lines + [line for _, line in sorted(found, key=lambda one: one[0])]
