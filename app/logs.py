"""Log lines on standard error: for a person, or one JSON object a line for a collector."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Final

import orjson

from app.last_word import LastWord
from app.repeats import Repeats
from app.settings import LogFormat, Settings

__all__ = ["configure_logging"]

HUMAN: Final = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"
CHATTY: Final = ("aiokafka", "faust", "mode", "asyncio")
"""Libraries that tell at INFO what is of use only to whoever works on them."""

TELLTALE: Final = ("aiokafka.conn",)
"""Libraries that at DEBUG tell whole requests, passwords and buyers' names among them."""


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure_logging(settings: Settings) -> None:
    """Set up the root logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if settings.log_format is LogFormat.JSON else logging.Formatter(HUMAN))
    if settings.log_level.value != "DEBUG":
        handler.addFilter(LastWord(CHATTY))
        handler.addFilter(Repeats(CHATTY))
    logging.basicConfig(handlers=[handler], level=settings.log_level.value, force=True)
    if settings.log_level.value != "DEBUG":
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
    else:
        for name in TELLTALE:
            logging.getLogger(name).setLevel(logging.INFO)
