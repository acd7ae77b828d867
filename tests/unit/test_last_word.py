"""After a worker's last word its libraries are silent."""

from __future__ import annotations

import logging

import pytest

from app.last_word import LastWord


@pytest.fixture
def last_word() -> LastWord:
    return LastWord(["aiokafka", "asyncio"])


def line(logger: str, level: int) -> logging.LogRecord:
    return logging.LogRecord(logger, level, "file", 1, "text", (), None)


def test_until_the_worker_says_why_it_stops_everybody_is_heard(last_word: LastWord) -> None:
    for logger, level in (
        ("aiokafka.conn", logging.CRITICAL),
        ("asyncio", logging.ERROR),
        ("app.worker", logging.ERROR),
    ):
        assert last_word.filter(line(logger, level))
    assert last_word.filter(line("aiokafka.conn", logging.ERROR))


def test_the_last_word_is_ours(last_word: LastWord) -> None:
    assert last_word.filter(line("app.exactly_once.build", logging.CRITICAL))
    assert not last_word.filter(line("asyncio", logging.ERROR))
    assert not last_word.filter(line("aiokafka", logging.CRITICAL))


def test_what_we_say_of_the_end_itself_passes(last_word: LastWord) -> None:
    last_word.filter(line("app.exactly_once.build", logging.CRITICAL))
    assert last_word.filter(line("app.worker", logging.ERROR))
    assert last_word.filter(line("aiokafkaesque", logging.ERROR))
