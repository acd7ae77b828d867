"""The commands of the documents: every ```sh block of README.md and deploy/*.md, and how each kind of command is checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from app.__main__ import _parser
from app.settings import Settings, variable
from tests.packaging.image import PROJECT

__all__ = ["CHECKS", "DOCUMENTS", "RUN", "Command", "check_of", "commands"]

DOCUMENTS: Final = [PROJECT / "README.md", *sorted((PROJECT / "deploy").glob("*.md"))]
HELM: Final = PROJECT / "deploy" / "helm"
COMPOSE: Final = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text())
CLUSTER: Final = [one for one in yaml.safe_load_all((HELM / "rendered" / "production.yaml").read_text()) if one]
"""What `helm install` makes of the values that the guide begins with."""
PER_LINE: Final = re.compile(r"(?ms)^```sh\n(.*?)^```$")


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a block, its words, and the document it stands in."""

    document: str
    line: str

    @property
    def words(self) -> list[str]:
        """As a shell takes them, comments left out."""
        return shlex.split(self.line, comments=True)

    def __str__(self) -> str:
        return f"{self.document}: {self.line}"


def commands(documents: list[Path] = DOCUMENTS) -> Iterator[Command]:
    """All of them, in order."""
    for path in documents:
        for block in PER_LINE.findall(path.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if shlex.split(line, comments=True):
                    yield Command(str(path.relative_to(PROJECT)), line)


def _script(words: list[str]) -> None:
    """One of ours: it is there, and its first lines list the word it is given."""
    text = (PROJECT / words[0]).read_text()
    head = text.partition("\nset -euo")[0]
    assert len(words) == 1 or " ".join(words) in head


def _compose(words: list[str]) -> None:
    """compose.yaml by its name; services of it; a command of ours in them."""
    file, verb, *rest = words[words.index("-f") + 1 :]
    assert file == "deploy/compose.yaml"
    assert verb in {"up", "down", "exec", "logs"}
    if verb == "exec":
        service, program, *arguments = rest
        assert service in COMPOSE["services"]
        assert program == "autorefund"
        _parser().parse_args(arguments)
    else:
        assert set(rest) <= {"--build", "--volumes", *COMPOSE["services"]}


def _docker(words: list[str]) -> None:
    if words[1] == "compose":
        _compose(words)
    elif words[1] == "build":
        assert (PROJECT / words[words.index("-f") + 1]).exists()
        assert words[-1] == "."
    else:
        assert words[1] == "push"


def _value_is_in_the_chart(path: str) -> None:
    values: Any = yaml.safe_load((HELM / "autorefund" / "values.yaml").read_text())
    *inside, last = path.split(".")
    for name in inside:
        values = values[name]
    assert last in values or inside == ["prometheusRule", "files"], path


def _helm(words: list[str]) -> None:
    """The release, the chart and files are there; each value set is one of the chart's."""
    verb, release, *rest = words[1:]
    assert (verb, release) in {("install", "autorefund"), ("upgrade", "autorefund"), ("rollback", "autorefund")}
    options = dict(zip(rest, [*rest[1:], ""], strict=True))
    assert options["--namespace"] == "refunds"
    if verb != "rollback":
        assert (PROJECT / rest[0] / "Chart.yaml").exists()
    if "--values" in options:
        assert (PROJECT / options["--values"]).exists()
    for option in ("--set", "--set-file"):
        for pair in filter(None, options.get(option, "").split(",")):
            _value_is_in_the_chart(pair.split("=")[0])


def _kubectl(words: list[str]) -> None:
    """What it names is made by the chart, or is one of the secrets that the values refer to."""
    secrets = set(re.findall(r"secretName: ([\w-]+)", (HELM / "values" / "production.yaml").read_text()))
    verb = next(word for word in words[1:] if word in {"create", "rollout", "exec", "logs", "delete"})
    if verb == "create":
        kind = words[words.index(verb) + 1]
        assert kind == "namespace" or words[words.index("generic") + 1] in secrets
        return
    there = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in CLUSTER}
    there |= {"pod/autorefund-0", "pvc/data-autorefund-0"}  # the StatefulSet's first
    for word in words:
        if "/" in word and not word.startswith("-"):
            assert word in there, word


def _curl(words: list[str]) -> None:
    (address,) = words[1:]
    assert re.fullmatch(r"http://localhost:6066/(livez|readyz|metrics)", address)


def _variables(words: list[str]) -> None:
    """Settings by their names; that a document's values go together is a test of its own."""
    for word in words[1:]:
        assert word.partition("=")[0] in {variable(name) for name in Settings.model_fields}, word


def _ours(words: list[str]) -> None:
    _parser().parse_args(words[1:])


CHECKS: Final[dict[str, Callable[[list[str]], None]]] = {
    "autorefund ": _ours,
    "deploy/": _script,
    "docker ": _docker,
    "helm ": _helm,
    "kubectl ": _kubectl,
    "curl ": _curl,
    "export ": _variables,
}
"""What a command begins with -> how it is checked. What begins otherwise may not be in a document."""
RUN: Final = ("autorefund ", "curl ")
"""Those that tests/integration/test_docs_commands.py runs for real, besides."""


def check_of(command: Command) -> Callable[[list[str]], None]:
    """How this one is checked. Raises AssertionError where nothing says."""
    for prefix, check in CHECKS.items():
        if command.line.startswith(prefix):
            return check
    raise AssertionError(f"{command}: no rule says how to check it")
