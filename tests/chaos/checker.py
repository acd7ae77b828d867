"""Reads all topics, committed records only, and says what is wrong: nothing, it is hoped."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.ledger import Ledger
from app.partitions import partitioner
from schemas.cells import SpendCell, load_cell
from schemas.codec import decode
from schemas.errors import InvalidRecord
from schemas.events import RefundResult
from schemas.ids import split_key
from schemas.topics import DEAD_LETTER, FORWARDED, INPUTS, REFUND_ALERT, REFUND_DECISION, REFUND_RESULT, changelog_topic
from tests.integration.outputs import read_topic
from tests.integration.traffic import Traffic

__all__ = ["Verdict", "decided_ids", "judge"]

APP_ID = "autorefund"
SHOWN_MAX = 5
PER_RECORD = ("request_conflict", "config_rejected")
"""Alerts that each repeated record may raise again, under the same id."""


@dataclass(slots=True)
class Verdict:
    """What was found. `faults`: by name, how many and some of them."""

    decisions: int = 0
    approved: int = 0
    results: int = 0
    alerts: int = 0
    dead_letters: int = 0
    forwarded: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    evidence: list[str] = field(default_factory=list)
    """Where what was found twice lies."""


async def decided_ids(brokers: str, partitions: int) -> set[str]:
    """Every decision there is."""
    records = await read_topic(brokers, REFUND_DECISION.name, partitions)
    return {orjson.loads(record.value)["decision_id"] for record in records}


async def judge(brokers: str, traffic: Traffic, partitions: int) -> Verdict:
    """Everything that can be told from the topics alone. Workers must have come to rest."""
    verdict = Verdict()
    records = await read_topic(brokers, REFUND_DECISION.name, partitions)
    decisions = [orjson.loads(record.value) for record in records]
    _judge_decisions(verdict, traffic, decisions)
    _note_evidence(verdict, records, decisions)
    _judge_order(verdict, decisions)
    await _judge_spend(verdict, brokers, partitions, decisions)
    letters = await read_topic(brokers, DEAD_LETTER.name, partitions)
    bad = Counter(record.value for record in letters)
    for record in letters:
        if bad[record.value] > 1:
            headers = {name: value.decode(errors="replace") for name, value in record.headers}
            place = f"{headers['topic']} {headers['partition']}/{headers['offset']}"
            verdict.evidence.append(f"dead letter {record.partition}/{record.offset} of {place} at {headers['at']}")
    verdict.dead_letters = len(letters)
    verdict.faults["dead letter lost"] += [repr(value[:60]) for value in traffic.bad if not bad[value]]
    verdict.faults["dead letter twice"] += [repr(value[:60]) for value in traffic.bad if bad[value] > 1]
    alerts = [orjson.loads(record.value) for record in await read_topic(brokers, REFUND_ALERT.name, partitions)]
    verdict.alerts = len(alerts)
    raised = Counter(alert["alert_id"] for alert in alerts if alert["kind"] not in PER_RECORD)
    verdict.faults["alert twice"] += [alert for alert, number in raised.items() if number > 1]
    await _judge_offsets(verdict, brokers, partitions)
    verdict.faults = {name: found for name, found in verdict.faults.items() if found}
    return verdict


def _judge_decisions(verdict: Verdict, traffic: Traffic, decisions: list[dict[str, Any]]) -> None:
    count = Counter(decision["decision_id"] for decision in decisions)
    verdict.decisions = len(count)
    verdict.approved = sum(decision["outcome"] == "auto_approve" for decision in decisions)
    verdict.reasons = Counter(decision["reasons"][0] for decision in decisions)
    verdict.faults["missing"] += sorted(traffic.pending - count.keys())
    verdict.faults["never asked"] += sorted(count.keys() - traffic.pending)
    verdict.faults["decided twice"] += [one for one, number in count.items() if number > 1]


def _note_evidence(verdict: Verdict, records: list[ConsumerRecord], decisions: list[dict[str, Any]]) -> None:
    twice = set(verdict.faults["decided twice"])
    for record, decision in zip(records, decisions, strict=True):
        if decision["decision_id"] in twice:
            told = f"{decision['decision_id']} {decision['decided_at']} applied {decision['applied_at']} {decision['reasons']}"
            verdict.evidence.append(f"decision {record.partition}/{record.offset} written {record.timestamp}: {told}")


def _judge_order(verdict: Verdict, decisions: list[dict[str, Any]]) -> None:
    newest: dict[str, int] = {}
    for decision in decisions:
        request_id, version = decision["request_id"], decision["request_version"]
        if version < newest.get(request_id, 0) and "superseded" not in decision["reasons"]:
            verdict.faults["order violated"].append(decision["decision_id"])
        newest[request_id] = max(version, newest.get(request_id, 0))


async def _judge_spend(verdict: Verdict, brokers: str, partitions: int, decisions: list[dict[str, Any]]) -> None:
    ledger, home = Ledger(), partitioner(partitions)
    for decision in decisions:
        ledger.decision(decision)
    found = []
    for topic in (REFUND_RESULT.name, FORWARDED.name):
        for record in await read_topic(brokers, topic, partitions):
            if topic == FORWARDED.name:
                verdict.forwarded += 1
                if dict(record.headers)["topic"] != REFUND_RESULT.name.encode():
                    continue
            try:
                result = decode(REFUND_RESULT.name, record.value)
            except InvalidRecord:
                continue
            assert isinstance(result, RefundResult)
            if home(result.shop_id) == record.partition:
                found.append((record.timestamp, topic, result))
    for _, way, result in sorted(found, key=lambda one: one[0]):
        ledger.result(result, way)
    verdict.results = ledger.results
    cells = {}
    for record in await read_topic(brokers, changelog_topic(APP_ID, "daily_spend"), partitions):
        shop_id, strategy_id, day = split_key(record.key)
        cells[shop_id, strategy_id, day] = load_cell(SpendCell, record.value) if record.value else SpendCell()
    verdict.faults["within decisions"] += ledger.faults
    verdict.faults["spend differs"] += list(ledger.differences(cells))


async def _judge_offsets(verdict: Verdict, brokers: str, partitions: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, group_id=APP_ID, enable_auto_commit=False)
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, p) for topic in (*INPUTS, FORWARDED) for p in range(partitions)]
        ends = await consumer.end_offsets(tps)
        for tp in tps:
            committed = await consumer.committed(tp) or 0
            if committed > ends[tp]:
                verdict.faults["offset beyond the end"].append(f"{tp}: {committed} > {ends[tp]}")
    finally:
        await consumer.stop()
