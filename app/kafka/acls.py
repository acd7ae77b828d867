"""Who needs to be allowed what: the least that each user of a secured Kafka can work with.

Made from the catalogue of topics. `python -m app topics --acls` prints it as commands, deploy/security.md shows it, and
the tests work under exactly this. Reading and writing include Kafka's Describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.commands.halt import SWITCH_ID
from app.commands.strategies import SET_ID
from schemas.topics import (
    AFTER_SALE_REQUEST,
    BUYER_LIST,
    CONTROL,
    DEAD_LETTER,
    FORWARDED,
    INPUTS,
    ORDER_LOGISTICS,
    REFUND_ALERT,
    REFUND_DECISION,
    REFUND_RESULT,
    STRATEGY_CONFIG,
    Role,
    Topic,
    all_topics,
    changelog_topic,
)

__all__ = ["Acl", "Operation", "Resource", "User", "acls", "commands", "markdown_table"]


class User(StrEnum):
    """A principal's name, as we propose it: one a job, so that each can be given to a machine or person of its own."""

    TOPICS = "autorefund-topics"
    WORKER = "autorefund-worker"
    READER = "autorefund-reader"
    STRATEGIES = "autorefund-strategies"
    SWITCH = "autorefund-switch"
    DEAD_LETTERS = "autorefund-dead-letters"
    ORDERS = "order-system"
    SELLERS = "seller-console"
    EXECUTOR = "refund-executor"
    NOTIFIER = "refund-notifier"


class Resource(StrEnum):
    """What an ACL is about, as kafka-acls.sh names it."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """Kafka's operations, as far as somebody here needs them."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True)
class Acl:
    """`user` is allowed `operations` on the resources of these names, or whose names begin with them (`prefixed`)."""

    user: User
    operations: tuple[Operation, ...]
    names: tuple[str, ...]
    why: str
    resource: Resource = Resource.TOPIC
    prefixed: bool = False


READ: Final = (Operation.READ,)
WRITE: Final = (Operation.WRITE,)
DESCRIBE: Final = (Operation.DESCRIBE,)
GROUP: Final = Resource.GROUP
TRANSACTIONAL_ID: Final = Resource.TRANSACTIONAL_ID


def acls(app_id: str) -> tuple[Acl, ...]:
    """Everybody's, for the application `app_id`."""
    return tuple(_of_everybody(app_id))


def _of_everybody(app_id: str) -> Iterator[Acl]:
    everything = all_topics(app_id)
    yield Acl(
        User.TOPICS, (Operation.CREATE, *DESCRIBE, Operation.DESCRIBE_CONFIGS), _names(everything),
        "`topics` creates and checks them; `topics --check` needs no Create",
    )  # fmt: skip
    yield from _of_the_worker(app_id, everything)
    yield from _of_operators(app_id)
    yield from _of_others()


def _of_the_worker(app_id: str, everything: Iterable[Topic]) -> Iterator[Acl]:
    reads = {Role.INPUT, Role.CONTROL_PLANE, Role.INTERNAL, Role.CHANGELOG}
    for operations, why in (
        (READ, "inputs"),
        (WRITE, "outputs"),
        (READ + WRITE, "records on their way to their shop's partition, and the tables"),
    ):
        names = _names(t for t in everything if operations == READ * (t.role in reads) + WRITE * t.written_by_us)
        yield Acl(
            User.WORKER, (*operations, Operation.DESCRIBE_CONFIGS), names, f"{why}; each start checks their settings"
        )
    yield Acl(User.WORKER, READ, (app_id,), "membership, and offsets in transactions", GROUP)
    yield Acl(
        User.WORKER, WRITE, (f"{app_id}-",), "one for each lane, its number behind the name", TRANSACTIONAL_ID, prefixed=True
    )  # fmt: skip


def _of_operators(app_id: str) -> Iterator[Acl]:
    read = (AFTER_SALE_REQUEST, ORDER_LOGISTICS, REFUND_RESULT, STRATEGY_CONFIG, CONTROL, REFUND_DECISION, DEAD_LETTER, FORWARDED)  # fmt: skip
    tables = tuple(changelog_topic(app_id, table) for table in ("holds", "daily_spend"))
    yield Acl(
        User.READER, READ, _names(read) + tables,
        "`explain`, `strategies show` and `history`, `halt --show`, `dead-letters list`, `backtest`, `audit`",
    )  # fmt: skip
    yield Acl(User.READER, DESCRIBE, (app_id,), "`audit` asks how far the workers are", GROUP)
    for user, topic, transactional_id, why in (
        (User.STRATEGIES, STRATEGY_CONFIG, f"{app_id}-{SET_ID}-", "`strategies set`"),
        (User.SWITCH, CONTROL, f"{app_id}-{SWITCH_ID}", "`halt` and `resume`"),
    ):
        yield Acl(user, READ + WRITE, (topic.name,), why)
        yield Acl(user, DESCRIBE, (AFTER_SALE_REQUEST.name,), "the number of partitions")
        yield Acl(user, WRITE, (transactional_id,), why, TRANSACTIONAL_ID, prefixed=transactional_id.endswith("-"))
    yield Acl(User.DEAD_LETTERS, READ, (DEAD_LETTER.name,), "`dead-letters replay` reads them here")
    yield Acl(User.DEAD_LETTERS, WRITE, _names(INPUTS), "`dead-letters replay` sends them again")


def _of_others() -> Iterator[Acl]:
    yield Acl(User.ORDERS, WRITE, (AFTER_SALE_REQUEST.name, ORDER_LOGISTICS.name), "requests and logistics")
    yield Acl(User.SELLERS, WRITE, (STRATEGY_CONFIG.name, BUYER_LIST.name), "strategies and blocked buyers")
    for user, topic, why in (
        (User.EXECUTOR, REFUND_DECISION, "what to pay out, with isolation.level=read_committed"),
        (User.NOTIFIER, REFUND_ALERT, "whom to tell what, with isolation.level=read_committed"),
    ):
        yield Acl(user, READ, (topic.name,), why)
        yield Acl(user, READ, (user.value,), "its consumer group; the name is its choice", GROUP)
    yield Acl(User.EXECUTOR, WRITE, (REFUND_RESULT.name,), "what became of the money")


def _names(topics: Iterable[Topic]) -> tuple[str, ...]:
    return tuple(topic.name for topic in topics)


def commands(app_id: str, brokers: str) -> Iterator[str]:
    """A kafka-acls.sh command for each, without the administrator's own credentials."""
    for acl in acls(app_id):
        operations = " ".join(f"--operation {operation}" for operation in acl.operations)
        names = " ".join(f"--{acl.resource} {name}" for name in acl.names)
        pattern = " --resource-pattern-type prefixed" if acl.prefixed else ""
        yield (
            f"kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal User:{acl.user} {operations} {names}{pattern}"
        )


def markdown_table(app_id: str) -> str:
    """All of them as deploy/security.md shows them."""
    lines = ["| user | may | on | what for |", "|---|---|---|---|"]
    for acl in acls(app_id):
        names = ", ".join(f"`{name}{'*' if acl.prefixed else ''}`" for name in acl.names)
        lines.append(
            f"| `{acl.user}` | {', '.join(acl.operations)} | {acl.resource.replace('-', ' ')} {names} | {acl.why} |"
        )
    return "\n".join(lines) + "\n"
