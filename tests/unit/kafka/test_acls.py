"""The table of who needs what: shown as it is, complete, and the least there is."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from app.__main__ import main
from app.commands import halt, strategies
from app.kafka.acls import Acl, Operation, Resource, User, acls, commands, markdown_table
from schemas.topics import INPUTS, Role, all_topics

ROOT = Path(__file__).parents[3]
APP_ID = "autorefund"


def of(user: User, operation: Operation, resource: Resource = Resource.TOPIC) -> set[str]:
    return {
        name
        for acl in acls(APP_ID)
        if (acl.user, acl.resource) == (user, resource) and operation in acl.operations
        for name in acl.names
    }


def test_the_document_shows_the_table_as_it_is() -> None:
    assert markdown_table(APP_ID) in (ROOT / "deploy" / "security.md").read_text()


def test_every_user_is_in_the_table() -> None:
    assert {acl.user for acl in acls(APP_ID)} == set(User)


def test_nothing_is_given_twice() -> None:
    found = [(a.user, a.resource, name, one) for a in acls(APP_ID) for name in a.names for one in a.operations]
    assert len(found) == len(set(found))


def test_the_worker_reads_what_it_consumes_and_writes_what_it_produces() -> None:
    catalogue = all_topics(APP_ID)
    outputs = {topic.name for topic in catalogue if topic.role is Role.OUTPUT}
    assert of(User.WORKER, Operation.READ) == {topic.name for topic in catalogue} - outputs
    assert of(User.WORKER, Operation.WRITE) == {topic.name for topic in catalogue if topic.written_by_us}
    assert of(User.WORKER, Operation.DESCRIBE_CONFIGS) == {topic.name for topic in catalogue}


def test_only_the_worker_writes_what_workers_write() -> None:
    ours = {topic.name for topic in all_topics(APP_ID) if topic.written_by_us}
    for user in set(User) - {User.WORKER}:
        assert not of(user, Operation.WRITE) & ours


def test_every_input_has_a_writer_besides_those_who_mend() -> None:
    writers = {user: of(user, Operation.WRITE) for user in set(User) - {User.WORKER, User.DEAD_LETTERS}}
    assert {topic.name for topic in INPUTS} <= set().union(*writers.values())


def test_nobody_else_owns_a_transactional_id_of_a_lane() -> None:
    for acl in acls(APP_ID):
        if acl.resource is Resource.TRANSACTIONAL_ID and acl.user is not User.WORKER:
            (name,) = acl.names
            assert not any(
                lane.startswith(name) if acl.prefixed else lane == name for lane in (f"{APP_ID}-0", f"{APP_ID}-12")
            )
            assert name.removeprefix(f"{APP_ID}-").rstrip("-") in {halt.SWITCH_ID, strategies.SET_ID}


def read_back(line: str) -> Acl:
    words = shlex.split(line)
    options = list(pairwise(words))
    resource = next(one for one in Resource if f"--{one}" in words)
    return Acl(
        User(dict(options)["--allow-principal"].removeprefix("User:")),
        tuple(Operation(value) for name, value in options if name == "--operation"),
        tuple(value for name, value in options if name == f"--{resource}"),
        "",
        resource,
        "prefixed" in words,
    )


def test_the_commands_say_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AUTOREFUND_BROKERS", "kafka-1:9093")
    assert main(["topics", "--acls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == list(commands(APP_ID, "kafka-1:9093"))
    assert all(line.startswith("kafka-acls.sh --bootstrap-server kafka-1:9093 --add ") for line in lines)
    said = [read_back(line) for line in lines]
    assert said == [Acl(a.user, a.operations, a.names, "", a.resource, a.prefixed) for a in acls(APP_ID)]


def test_another_application_has_names_of_its_own() -> None:
    names = {name for acl in acls("other") if acl.user is User.WORKER for name in acl.names}
    assert {"other", "other-", "other-holds-changelog"} <= names
    assert not any(name.startswith("autorefund-") and name.endswith("changelog") for name in names)
