"""THE catalogue of topics: every topic, who writes it, its key, and the settings under which it loses nothing.

`python -m app topics` creates what is written here and refuses what differs; the worker refuses to start on it.
All topics have the same number of partitions: everything of one shop has one partition number (contract, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "AFTER_SALE_REQUEST",
    "BUYER_LIST",
    "CONTROL",
    "CONTROL_PLANE",
    "DEAD_LETTER",
    "FOREVER_MS",
    "FORWARDED",
    "INPUTS",
    "LETTER_BYTES_MAX",
    "ORDER_LOGISTICS",
    "REFUND_ALERT",
    "REFUND_DECISION",
    "REFUND_RESULT",
    "STRATEGY_CONFIG",
    "TABLES",
    "TOPICS",
    "Cleanup",
    "Role",
    "Topic",
    "all_topics",
    "changelog_topic",
]  # fmt: skip

_DAY_MS: Final = 24 * 60 * 60 * 1000
FOREVER_MS: Final = -1
THREE_YEARS_MS: Final = 3 * 366 * _DAY_MS
"""History is kept at least 3 years (domain, the people behind it); leap days are counted in."""
INPUT_DAYS_MS: Final = 30 * _DAY_MS
"""Inputs outlive the longest outage anybody sleeps through; what became of them is in decisions and tables."""
TOMBSTONE_MS: Final = 30 * _DAY_MS
"""How long a deletion stays readable in a changelog: a RocksDB store that was away for longer must start afresh."""
INPUT_BYTES_MAX: Final = 1_048_588
"""Kafka's own default for one batch. Upstreams get no more: what they may send must fit a dead letter."""
OUTPUT_BYTES_MAX: Final = 4 * 1_048_576
"""For what the worker writes: a dead letter is an input with headers, a cell is an event with defaults filled in.
A record that does not fit its topic would stop its lane for good."""
LETTER_BYTES_MAX: Final = OUTPUT_BYTES_MAX - 64 * 1024
"""Key and value of a dead letter together; its headers have room in the rest. Brokers measure what comes in compressed, so
more than this does come in, and is cut: a dead letter that does not fit would stop its lane for good."""
CHANGELOG_SEGMENT_BYTES: Final = 128 * 1_048_576
"""The newest segment is never compacted: smaller ones, shorter restores. Tuning only, so not checked."""


class Role(StrEnum):
    """What a topic is to the worker."""

    INPUT = "input"
    CONTROL_PLANE = "control_plane"
    """An input that a lane reads to its end before its first request (domain [31])."""
    OUTPUT = "output"
    INTERNAL = "internal"
    """Written and read by workers only: records on their way to their shop's partition."""
    CHANGELOG = "changelog"


class Cleanup(StrEnum):
    """Kafka's cleanup.policy."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. Limits are the least that will do (`retention_ms` -1 = for ever), but `bytes_max` of an input the most."""

    name: str
    role: Role
    key: str
    cleanup: Cleanup
    schema: str
    why: str
    retention_ms: int = FOREVER_MS
    compaction_lag_ms: int = 0
    tombstone_ms: int = _DAY_MS

    @property
    def written_by_us(self) -> bool:
        """Whether workers write it."""
        return self.role in {Role.OUTPUT, Role.INTERNAL, Role.CHANGELOG}

    @property
    def bytes_max(self) -> int:
        """max.message.bytes: for inputs the most that is accepted, for what we write the least that is needed."""
        return OUTPUT_BYTES_MAX if self.written_by_us else INPUT_BYTES_MAX

    def config(self) -> dict[str, str]:
        """The topic's settings for creating it; replication is the cluster's matter and not among them."""
        settings = {
            "cleanup.policy": self.cleanup.value,
            "max.message.bytes": str(self.bytes_max),
            "unclean.leader.election.enable": "false",
        }
        if self.cleanup is Cleanup.DELETE:
            return settings | {"retention.ms": str(self.retention_ms), "retention.bytes": "-1"}
        settings |= {
            "min.compaction.lag.ms": str(self.compaction_lag_ms),
            "delete.retention.ms": str(self.tombstone_ms),
        }
        return settings | ({"segment.bytes": str(CHANGELOG_SEGMENT_BYTES)} if self.role is Role.CHANGELOG else {})


AFTER_SALE_REQUEST: Final = Topic(
    "after-sale-request", Role.INPUT, "shop_id", Cleanup.DELETE, "after-sale-request",
    "the requests; each decision repeats what it was about", retention_ms=INPUT_DAYS_MS,
)  # fmt: skip
ORDER_LOGISTICS: Final = Topic(
    "order-logistics", Role.INPUT, "shop_id", Cleanup.DELETE, "order-logistics",
    "keyed by shop, so never compacted: one order's record would wipe out the others'", retention_ms=INPUT_DAYS_MS,
)  # fmt: skip
REFUND_RESULT: Final = Topic(
    "refund-result", Role.INPUT, "shop_id", Cleanup.DELETE, "refund-result",
    "what became of the money; `audit` rebuilds spend from it, so it is kept as long as decisions",
    retention_ms=THREE_YEARS_MS,
)  # fmt: skip
STRATEGY_CONFIG: Final = Topic(
    "strategy-config", Role.CONTROL_PLANE, "shop_id|strategy_id", Cleanup.COMPACT, "strategy-config",
    "the newest version of each strategy for ever, every version for 3 years: who enabled what, and when",
    compaction_lag_ms=THREE_YEARS_MS,
)  # fmt: skip
BUYER_LIST: Final = Topic(
    "buyer-list", Role.CONTROL_PLANE, "shop_id|buyer_id", Cleanup.COMPACT, "buyer-list",
    "the newest entry of each buyer for ever, every entry for 3 years: who blocked whom, and why",
    compaction_lag_ms=THREE_YEARS_MS,
)  # fmt: skip
CONTROL: Final = Topic(
    "control", Role.CONTROL_PLANE, "none", Cleanup.DELETE, "control",
    "the kill switch must outlive everything; no key to compact by, few records, so all are kept for ever",
)  # fmt: skip
REFUND_DECISION: Final = Topic(
    "refund-decision", Role.OUTPUT, "request_id", Cleanup.DELETE, "refund-decision",
    "the history", retention_ms=THREE_YEARS_MS,
)  # fmt: skip
REFUND_ALERT: Final = Topic(
    "refund-alert", Role.OUTPUT, "strategy_id or shop_id", Cleanup.DELETE, "refund-alert",
    "the history of who was told what", retention_ms=THREE_YEARS_MS,
)  # fmt: skip
DEAD_LETTER: Final = Topic(
    "dead-letter", Role.OUTPUT, "the record's own", Cleanup.DELETE, "none: the original bytes",
    "time to notice, to mend upstream and to send again", retention_ms=90 * _DAY_MS,
)  # fmt: skip
FORWARDED: Final = Topic(
    "autorefund-forwarded", Role.INTERNAL, "the record's own", Cleanup.DELETE, "the record's own",
    "inputs that were found in another shop's partition; kept as long as inputs", retention_ms=INPUT_DAYS_MS,
)  # fmt: skip

TOPICS: Final = (
    AFTER_SALE_REQUEST, ORDER_LOGISTICS, REFUND_RESULT, STRATEGY_CONFIG, BUYER_LIST, CONTROL,
    REFUND_DECISION, REFUND_ALERT, DEAD_LETTER, FORWARDED,
)  # fmt: skip
"""All topics but the changelogs, whose names depend on the app's id."""

CONTROL_PLANE: Final = tuple(topic for topic in TOPICS if topic.role is Role.CONTROL_PLANE)
INPUTS: Final = tuple(topic for topic in TOPICS if topic.role in {Role.INPUT, Role.CONTROL_PLANE})
"""What others write and workers read, the control plane included."""

TABLES: Final = ("strategies", "orders", "requests", "daily_spend", "buyers", "holds", "controls", "breakers")
"""What is remembered (`tables/`): one changelog each."""


def changelog_topic(app_id: str, table: str) -> str:
    """The name of a table's changelog."""
    return f"{app_id}-{table}-changelog"


def all_topics(app_id: str) -> tuple[Topic, ...]:
    """Every topic of the application `app_id`, after-sale-request first."""
    return TOPICS + tuple(
        Topic(
            changelog_topic(app_id, table), Role.CHANGELOG, "the cell's key", Cleanup.COMPACT, f"cell of {table}",
            f"the table {table}: its newest cells are the worker's memory", tombstone_ms=TOMBSTONE_MS,
        )
        for table in TABLES
    )  # fmt: skip
