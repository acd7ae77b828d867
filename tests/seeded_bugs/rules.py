"""Faults of the decision and the money: those of rules.txt, each rule of the ladder left out, and each two neighbours swapped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.seeded_bugs.bug import ROOT, Bug

__all__ = ["RULE_BUGS"]

TABLE = Path(__file__).with_name("rules.txt")
STAGES = tuple(f"app/core/{stage}_rules.py" for stage in ("request", "order", "strategy", "grant"))
LIKELY = {
    "app/core": "tests/unit/core",
    "app/processor": "tests/unit/processor",
    "app": "tests/unit",
    "schemas": "tests/unit/schemas",
    "tables": "tests/contract",
}
"""Where the killer probably is: these run first."""
ALL = ("tests/unit/processor", "tests/contract", "tests/scenarios", "tests/property/test_machine.py")
_RUNG = re.compile(r"^    \(Reason\.(\w+), _\w+\),\n", re.MULTILINE)


def _tests_for(file: str) -> tuple[str, ...]:
    first = next(tests for room, tests in LIKELY.items() if file.startswith(room))
    return (first, *(tests for tests in ALL if tests != first))


def _bug(name: str, file: str, old: str, new: str) -> Bug:
    return Bug(name, file, old, new, _tests_for(file))


def _told() -> Iterator[Bug]:
    file = ""
    for line in TABLE.read_text().splitlines():
        if line.startswith("file: "):
            file = line.removeprefix("file: ")
        elif line.startswith("|"):
            old, new = line.strip("\n")[1:-1].split("|  ==>  |")
            yield _bug(f"{file}: {old.strip()}  ->  {new.strip()}", file, _text(old), _text(new))


def _text(told: str) -> str:
    if told == "(nothing)":
        return ""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], told)


def _rungs() -> Iterator[Bug]:
    for file in STAGES:
        rungs = list(_RUNG.finditer((ROOT / file).read_text()))
        for rung in rungs:
            yield _bug(f"{file}: nobody looks whether {rung[1]}", file, rung[0], "")
        for one, other in pairwise(rungs):
            yield _bug(f"{file}: {other[1]} before {one[1]}", file, one[0] + other[0], other[0] + one[0])


RULE_BUGS = [*_told(), *_rungs()]
