"""The ladder: rules in their fixed order, in four stages (domain, "The rule ladder").

A rule is a reason and a look: the look says whether the request passes, and what it found and needed. A stage is looked
at whole, so that a decision names everything that stood in the way; the first rule that turned the request away is the
deciding one. A stage that turns the request away ends the looking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from schemas.vocabulary import LookResult, Reason

__all__ = ["Finding", "Look", "Rule", "Seen", "first_miss", "look_at", "misses", "unknown"]

F = TypeVar("F")
Seen = bool | int | str | None


class Look(NamedTuple):
    """What one look gave. `passed` None = it could not be looked at."""

    passed: bool | None
    found: Seen = None
    needed: Seen = None


class Finding(NamedTuple):
    """One line of a trace."""

    strategy_id: str | None
    rule: Reason
    result: LookResult
    found: Seen
    needed: Seen


Rule = tuple[Reason, Callable[[F], Look]]
"""The reason it gives, and the look."""

_RESULT = {True: LookResult.HIT, False: LookResult.MISS, None: LookResult.UNKNOWN}


def unknown(needed: Seen = None) -> Look:
    """A look that was not possible, because what it looks at is not known."""
    return Look(None, None, needed)


def look_at(stage: Sequence[Rule[F]], facts: F, strategy_id: str | None = None) -> list[Finding]:
    """Every rule of the stage, in order."""
    findings = []
    for reason, look in stage:
        passed, found, needed = look(facts)
        findings.append(Finding(strategy_id, reason, _RESULT[passed], found, needed))
    return findings


def misses(findings: Iterable[Finding]) -> list[Reason]:
    """The reasons that turned the request away, in order."""
    return [finding.rule for finding in findings if finding.result is LookResult.MISS]


def first_miss(findings: Sequence[Finding]) -> int | None:
    """The rung of the first rule that turned the request away; None = all passed."""
    return next((rung for rung, finding in enumerate(findings) if finding.result is LookResult.MISS), None)
