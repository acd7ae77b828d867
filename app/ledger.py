"""The day's spend, made again from decisions and results alone; and what contradicts what. Pure.

It uses the processor's own functions for results, and nothing of its tables: it is what `audit` holds the tables against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.results import Step, take_result
from schemas.cells import ApprovalCell, SpendCell
from schemas.errors import InvalidRecord
from schemas.events import RefundResult
from schemas.ids import ALL
from schemas.money import ZERO, Money
from schemas.vocabulary import Outcome, ResultStatus

__all__ = ["Ledger", "Place", "Spent"]

SLACKS_MAX: Final = 4096
"""Sums of contradicting results that are tried out; a place with more is a difference."""

Place = tuple[str, str, str]
"""(shop_id, strategy_id, day); strategy_id "*" = all of the shop."""
Spent = tuple[int, int]
"""Executed and reserved, in fen."""


@dataclass(slots=True)
class Ledger:
    """Feed it decisions and results in the order of their topics."""

    faults: list[str] = field(default_factory=list)
    """What is wrong by itself: a decision made twice, a cap exceeded, a sum that is none."""
    decisions: int = 0
    results: int = 0
    _approvals: dict[tuple[str, str], ApprovalCell] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _finals: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """By decision and way: what its first final result there executed, in fen."""

    def decision(self, value: Mapping[str, Any]) -> None:
        """One refund-decision."""
        self.decisions += 1
        name, shop_id = value["decision_id"], value["shop_id"]
        if (shop_id, name) in self._seen:
            self.faults.append(f"{name} of shop {shop_id} was decided twice")
            return
        self._seen.add((shop_id, name))
        if value.get("strategy_id") is None:
            return
        approved = value["outcome"] == Outcome.AUTO_APPROVE
        before, after, cap = value["spent_before_fen"], value["spent_after_fen"], value["daily_cap_fen"]
        if after != before + (value["amount_fen"] if approved else 0):
            self.faults.append(f"{name} of shop {shop_id}: {before} fen before and {after} after do not fit its amount")
        if not approved:
            return
        if after > cap:
            self.faults.append(f"{name} of shop {shop_id}: {after} fen spent of a cap of {cap}")
        self._approvals[shop_id, name] = ApprovalCell(
            decision_id=name,
            strategy_id=value["strategy_id"],
            spend_day=value["spend_day"],
            amount_fen=Money(value["amount_fen"]),
            item_ids=(),
        )

    def result(self, result: RefundResult, way: str = "") -> None:
        """One refund-result that a worker has taken in. One that it put aside (unknown, too much) changes nothing.

        `way`: how it came, where there are several; which of two ways was quicker cannot be told afterwards.
        """
        self.results += 1
        place = (result.shop_id, result.decision_id)
        approval = self._approvals.get(place)
        if approval is None:
            return
        try:
            step, after = take_result(approval, result)
        except InvalidRecord:
            return
        if result.status is not ResultStatus.RECOVERED:
            executed = result.amount_fen.fen if result.status is ResultStatus.SUCCEEDED else 0
            self._finals[place].setdefault(way, executed)
        if step is not Step.IGNORED:
            self._approvals[place] = after

    def spent(self) -> dict[Place, Spent]:
        """By strategy and day, and by shop and day."""
        sums: dict[Place, list[int]] = defaultdict(lambda: [0, 0])
        for (shop_id, _), approval in self._approvals.items():
            executed = approval.executed_fen
            reserved = approval.amount_fen if approval.status is None else ZERO
            for strategy_id in (approval.strategy_id, ALL):
                place = sums[shop_id, strategy_id, approval.spend_day]
                place[0] += executed.fen
                place[1] += reserved.fen
        return {place: (executed, reserved) for place, (executed, reserved) in sums.items()}

    def differences(self, cells: Mapping[Place, SpendCell], shop_id: str | None = None) -> Iterator[str]:
        """A line for each place (of one shop or of all) where the table says something else."""
        spent = self.spent()
        for place in sorted(spent.keys() | cells.keys()):
            executed, reserved = spent.get(place, (0, 0))
            cell = cells.get(place, SpendCell())
            if shop_id not in {None, place[0]} or (executed, reserved) == (
                cell.executed_fen.fen,
                cell.reserved_fen.fen,
            ):
                continue
            if reserved == cell.reserved_fen.fen and cell.executed_fen.fen - executed in self._slack(place):
                continue
            of_shop, strategy_id, day = place
            yield (
                f"{of_shop} {strategy_id} {day}: decisions and results say {executed} fen executed and {reserved} reserved, "
                f"the table {cell.executed_fen.fen} and {cell.reserved_fen.fen}"
            )

    def _slack(self, place: Place) -> set[int]:
        """By how much the sum may be off where a decision got results that differ, by ways of which none came surely first."""
        sums = {0}
        for name, finals in self._finals.items():
            approval = self._approvals[name]
            here = name[0] == place[0] and approval.spend_day == place[2] and place[1] in {ALL, approval.strategy_id}
            if here and len(set(finals.values())) > 1 and len(sums) < SLACKS_MAX:
                sums = {one + other - approval.executed_fen.fen for one in sums for other in set(finals.values())}
        return sums
