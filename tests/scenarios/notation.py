"""The compact notation of the scenario tables, and the replay lines it stands for.

    at | what | outcome | reason | spent

One row a line of the replay; what is left out is valid by default (see tests/streams/records.py). Rows whose `what` starts
with '>' say what else comes out of the line above: '> r1' another decision, '> alert KIND [STRATEGY] [PERCENT%]', '> shadow
STRATEGY' what a shadow strategy would have done. Everything that comes out must be said, shadows excepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenarios.words import Story

Json = dict[str, Any]


@dataclass
class Row:
    """One line of the replay, and all that must come of it: (subject, outcome, reason, spent)."""

    text: str
    line: Json
    expected: list[tuple[str, str, str, str]] = field(default_factory=list)


@dataclass
class Scenario:
    source: str
    name: str
    rows: list[Row] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.source}: {self.name}"


def scenarios_in(path: Path) -> Iterator[Scenario]:
    """The scenarios of one file. ValueError, with the row, where one cannot be read."""
    scenario: Scenario | None = None
    story = Story()
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip() or text.startswith(("#", "at ")):
            continue
        if text.startswith("scenario:"):
            if scenario is not None:
                yield scenario
            scenario, story = Scenario(path.stem, text.removeprefix("scenario:").strip()), Story()
            continue
        try:
            _read_row(text, scenario, story)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{path.name}:{number}: {text!r}: {error!r}") from error
    if scenario is not None:
        yield scenario


def _read_row(text: str, scenario: Scenario | None, story: Story) -> None:
    at, what, outcome, reason, spent = ([cell.strip() for cell in text.split("|")] + [""] * 4)[:5]
    assert scenario is not None
    if what.startswith(">"):
        scenario.rows[-1].expected.append((what[1:].strip(), outcome, reason, spent))
        return
    subject, line = story.tell(at, what)
    row = Row(text, line)
    if outcome:
        row.expected.append((subject, outcome, reason, spent))
    scenario.rows.append(row)
