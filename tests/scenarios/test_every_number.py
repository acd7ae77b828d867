"""Every settled point of domain.md is told by at least one scenario, which cites its number."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
POINTS = set(range(1, 63)) - {28, 32, 33}
"""The numbers that domain.md settles; the missing ones are not used there."""
CITED = re.compile(r"^scenario: \[([\d, ]+)\]", re.MULTILINE)


def test_every_number_of_the_domain_has_a_scenario() -> None:
    found = {
        int(number)
        for path in FOLDER.glob("*.txt")
        for cited in CITED.findall(path.read_text())
        for number in cited.split(",")
    }
    assert found == POINTS
