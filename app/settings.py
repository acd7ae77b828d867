"""Settings, from the environment variables AUTOREFUND_*. Read once at the start, frozen, handed down as a value.

The table is the class `Settings` itself: one field a setting, its unit last in the name, its reason in the
description. `markdown_table()` writes it for the README, and a test holds the two together.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticUndefined

from app.connection_settings import ConnectionSettings
from app.errors import UsageError

__all__ = ["PREFIX", "LogFormat", "LogLevel", "Settings", "StoreKind", "load_settings", "markdown_table"]

PREFIX: Final = "AUTOREFUND_"
SECRETS: Final = frozenset({"sasl_password"})
"""Settings that are never shown."""
NEAR_MISS: Final = 0.85
"""How alike an unknown variable and a known one must be to be taken for a slip of the pen."""
_INSTANCE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,249}").fullmatch
_APP_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}").fullmatch


class StoreKind(StrEnum):
    """Where a worker keeps its tables; the truth is in their changelogs either way."""

    MEMORY = "memory"
    ROCKSDB = "rocksdb"


class LogFormat(StrEnum):
    """How a log line looks."""

    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe line that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _app_id(text: str) -> str:
    if _APP_ID(text) is None:
        raise ValueError("letters, digits, - and _ only, at most 100: it becomes part of topic names")
    return text


def _instance_id(text: str) -> str:
    if _INSTANCE_ID(text) is None:
        raise ValueError("letters, digits, ., - and _ only, at most 249: what Kafka takes for group.instance.id")
    return text


class Settings(ConnectionSettings):
    """All settings. The variable of a field is AUTOREFUND_ and its name in capitals; an empty one counts as unset."""

    # who it is among workers
    app_id: Annotated[str, AfterValidator(_app_id)] = Field(
        "autorefund",
        description="consumer group, and prefix of changelog topics and transactional ids; another name is another worker with no memory",
    )
    instance_id: Annotated[str, AfterValidator(_instance_id)] | None = Field(
        None,
        description="this worker's own name in the group (a StatefulSet's pod name): back under it within the session timeout it finds its lanes as it left them, and no other worker's move. Unset: a worker that leaves hands its lanes over at once",
    )
    partitions: int = Field(
        12,
        ge=1,
        le=1000,
        description="partitions that `topics` gives to new topics; 12 lanes take several times a sale day's peak, and only `topics --grow-to` can change the number later. Where after-sale-request exists, its number counts",
    )
    replication: int | None = Field(
        None,
        ge=1,
        le=10,
        description="copies of each partition that `topics` asks for; unset: 3, or as many as there are brokers",
    )

    # what it keeps
    data_dir: Path = Field(
        Path("run/data"),
        description="where RocksDB keeps its files; may be lost at any time, the changelogs hold the truth",
    )
    store: StoreKind = Field(
        StoreKind.MEMORY,
        description="memory (quickest; a start reads the changelogs whole) or rocksdb (tables larger than memory, quick starts)",
    )

    # what it serves and says
    http_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="address of /livez, /readyz and /metrics; loopback unless you ask for more (0.0.0.0 in a container)",
    )
    http_port: int = Field(6066, ge=0, le=65535, description="its port; 0 = any free one")
    log_level: LogLevel = Field(LogLevel.INFO, description="least severe line that is logged")
    log_format: LogFormat = Field(
        LogFormat.HUMAN, description="human (a terminal) or json (one object a line, for a collector)"
    )

    # the one rule that is a setting
    hold_seconds: int = Field(
        600,
        ge=1,
        le=86_400,
        description="how long a request waits for its order's logistics (domain 13); the demo and tests shorten it",
    )

    # what is forgotten, and when
    spend_days: int = Field(
        400,
        ge=2,
        le=36_500,
        description="a day's spend leaves its table so long after, once all its reservations have their results",
    )
    request_days: int = Field(
        60,
        ge=31,
        le=36_500,
        description="a request of which nothing was approved is forgotten so long after it was last seen; longer than inputs are kept (30 days), as its repeat would be decided anew",
    )
    order_days: int = Field(
        180,
        ge=31,
        le=36_500,
        description="an order is forgotten so long after its settlement, or after its last news where nothing was approved or rejected on it; approved requests likewise",
    )

    # limits of the exactly-once layer
    fetch_wait_ms: int = Field(
        50,
        ge=1,
        le=5_000,
        description="how long the broker may wait for a first record: an idle worker's polling against latency",
    )
    lane_records_max: int = Field(
        20_000,
        ge=100,
        le=1_000_000,
        description="records that may wait in one lane before fetching pauses: bounds memory",
    )
    lane_bytes_max: int = Field(
        64_000_000,
        ge=1_000_000,
        le=2_000_000_000,
        description="bytes that may wait in one lane before fetching pauses: bounds memory where records are large",
    )
    batch_records_max: int = Field(
        4_000,
        ge=1,
        le=100_000,
        description="records in one transaction; larger gains nothing measurable and holds up readers",
    )
    transaction_seconds_max: int = Field(
        10,
        ge=1,
        le=600,
        description="a transaction that takes longer has failed: the broker aborts it, the worker starts over",
    )
    stall_seconds_max: int = Field(
        60,
        ge=5,
        le=3_600,
        description="a lane that has records and does not move for so long stops the process (and is unready before), and so does an event loop that stands still",
    )
    session_timeout_seconds: int = Field(
        10,
        ge=6,
        le=1_800,
        description="a worker silent for so long loses its partitions to the others; brokers allow 6 to 1800 by default",
    )


def variable(name: str) -> str:
    """The environment variable of the field `name`."""
    return PREFIX + name.upper()


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` asks for.

    Raises UsageError, naming the variable: a bad value, or an unknown variable that looks like a known one
    misspelt. Other variables with our prefix are let be: the scripts under deploy/ have some, and Kubernetes
    makes up its own for a service called autorefund.
    """
    known = {variable(name): name for name in Settings.model_fields}
    given: dict[str, Any] = {}
    for key, value in environ.items():
        if key in known:
            if value.strip():
                given[known[key]] = value if known[key] in SECRETS else value.strip()
        elif key.startswith(PREFIX):
            _refuse_near_miss(key, known)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise UsageError("\n".join(_say(one, given) for one in error.errors(include_url=False))) from None


def _refuse_near_miss(key: str, known: Mapping[str, str]) -> None:
    names = {full.removeprefix(PREFIX): full for full in known}
    near = difflib.get_close_matches(key.removeprefix(PREFIX), names, n=1, cutoff=NEAR_MISS)
    if near:
        raise UsageError(f"{key}: there is no such setting; {names[near[0]]} is meant?")


def _say(error: Any, given: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:  # of several settings together; the message names them
        return message
    name = str(error["loc"][0])
    return f"{variable(name)}={'(not shown)' if name in SECRETS else given[name]}: {message}"


def markdown_table() -> str:
    """The settings as the README shows them."""
    lines = ["| variable | default | what for |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in {None, PydanticUndefined} else f"`{field.default}`"
        lines.append(f"| `{variable(name)}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
