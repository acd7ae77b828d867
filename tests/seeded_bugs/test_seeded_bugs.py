"""The lists of deliberate faults stay true to the code."""

from __future__ import annotations

import pytest

from schemas.vocabulary import Reason
from tests.seeded_bugs.bug import ROOT, Bug
from tests.seeded_bugs.growth import GROWTH_BUGS
from tests.seeded_bugs.layer import LAYER_BUGS
from tests.seeded_bugs.rules import RULE_BUGS

BUGS = [*LAYER_BUGS, *RULE_BUGS, *GROWTH_BUGS]


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_bug_can_still_be_made_and_changes_something(bug: Bug) -> None:
    source = (ROOT / bug.file).read_text()
    assert bug.applied(source) != source
    assert all((ROOT / tests).exists() for tests in bug.tests)


def test_no_two_bugs_are_the_same_and_every_rule_is_left_out_once() -> None:
    assert len({(bug.file, bug.old, bug.new) for bug in BUGS}) == len(BUGS)
    left_out = {bug.name.rpartition(" ")[2] for bug in RULE_BUGS if "nobody looks" in bug.name}
    assert left_out == {reason.name for reason in Reason} - {"APPROVED"}
