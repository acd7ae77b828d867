"""The AsyncAPI document: up to date, whole, and true of the schemas and samples. deploy/check.sh holds it to the standard."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.asyncapi import FILE, document, main
from schemas.codec import INPUT_MODELS
from schemas.export import EVENTS
from schemas.topics import TOPICS, Role
from tests.json_schemas import validator

PUBLIC = [topic for topic in TOPICS if topic.role is not Role.INTERNAL]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "$ref":
                yield one
            else:
                yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_what_is_committed_is_what_the_models_say() -> None:
    assert main(["--check"]) == 0, "run: python -m schemas.asyncapi"


def test_every_topic_of_others_and_no_other_stands_in_it() -> None:
    assert set(document()["channels"]) == {topic.name for topic in PUBLIC}


@pytest.mark.parametrize("topic", [topic.name for topic in PUBLIC])
def test_the_worker_receives_inputs_and_sends_outputs(topic: str) -> None:
    action = "receive" if topic in INPUT_MODELS else "send"
    operation = document()["operations"][f"{action}-{topic}"]
    assert (operation["action"], operation["channel"]) == (action, {"$ref": f"#/channels/{topic}"})


def test_every_reference_leads_somewhere() -> None:
    found = list(references(json.loads(FILE.read_text("utf-8"))))
    assert len(found) > len(PUBLIC)
    for one in found:
        path, _, pointer = one.partition("#")
        place: Any = json.loads((FILE.parent / path).read_text("utf-8")) if path else document()
        for part in filter(None, pointer.split("/")):
            place = place[part]


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_examples_are_what_the_schema_allows(topic: str) -> None:
    for example in document()["components"]["messages"][topic]["examples"]:
        validator(topic).validate(example["payload"])


@pytest.mark.parametrize("topic", PUBLIC, ids=lambda topic: topic.name)
def test_a_channel_tells_the_settings_that_topics_checks(topic: Any) -> None:
    told = document()["channels"][topic.name]["bindings"]["kafka"]["topicConfiguration"]
    assert told["max.message.bytes"] == topic.bytes_max
    assert told["cleanup.policy"] == [topic.cleanup]
    assert told.get("retention.ms", topic.retention_ms) == topic.retention_ms


def test_check_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "asyncapi.json"
    assert main(["--check"], file) == 1
    assert "python -m schemas.asyncapi writes it" in capsys.readouterr().err
    assert main([], file) == 0
    assert main(["--check"], file) == 0


def test_run_as_a_script_it_exits_with_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["asyncapi.py", "--check"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(FILE.with_name("asyncapi.py")), run_name="__main__")
    assert left.value.code == 0
