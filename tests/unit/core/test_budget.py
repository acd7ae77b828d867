"""The budget of a strategy's day: never over the cap, never below nothing, and told in time (domain [3, 4, 15-21, 52-54])."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core.budget import (
    ALERTS_PER_DAY_MAX,
    Reservation,
    consumption_percent,
    execute,
    fits,
    is_red,
    release,
    reserve,
    watch,
)
from schemas.cells import SpendCell
from schemas.errors import InvariantBroken
from schemas.money import ZERO, Money
from tests.builders import spend

fen = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("executed", "reserved", "amount", "cap", "verdict"),
    [
        (0, 0, 1000, 1000, Reservation.RESERVED),
        (0, 0, 1001, 1000, Reservation.REFUSED),
        (400, 300, 300, 1000, Reservation.RESERVED),
        (400, 300, 301, 1000, Reservation.REFUSED),
        (1000, 0, 1, 1000, Reservation.REFUSED),
        (0, 0, 1, 0, Reservation.REFUSED),
        (2000, 0, 1, 1000, Reservation.REFUSED),
    ],
)
def test_the_cap_is_inclusive_and_counts_executed_and_reserved_1_3(
    executed: int, reserved: int, amount: int, cap: int, verdict: Reservation
) -> None:
    before = spend(executed, reserved)
    found, after = reserve(before, Money(amount), Money(cap))
    assert found is verdict
    assert fits(before, Money(amount), Money(cap)) == (verdict is Reservation.RESERVED)
    assert after == (spend(executed, reserved + amount) if verdict is Reservation.RESERVED else before)


def test_one_too_big_for_the_rest_leaves_the_rest_to_smaller_ones_4() -> None:
    verdict, cell = reserve(spend(0, 900), Money(200), Money(1000))
    assert verdict is Reservation.REFUSED
    verdict, cell = reserve(cell, Money(100), Money(1000))
    assert verdict is Reservation.RESERVED
    assert cell.spent == Money(1000)


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_is_never_reserved(amount: int) -> None:
    with pytest.raises(InvariantBroken, match="about to be reserved"):
        reserve(SpendCell(), Money(amount), Money(1000))


def test_more_than_was_reserved_is_never_released() -> None:
    with pytest.raises(InvariantBroken, match="301 fen released of 300 reserved"):
        release(spend(0, 300), Money(301))


def test_more_than_was_reserved_is_never_executed() -> None:
    with pytest.raises(InvariantBroken, match="301 fen executed of 300 reserved"):
        execute(spend(0, 900), Money(300), Money(301))


@pytest.mark.parametrize(("executed", "left"), [(300, 300), (200, 200), (0, 0)])
def test_what_was_not_executed_is_free_again_52(executed: int, left: int) -> None:
    assert execute(spend(50, 300), Money(300), Money(executed)) == spend(50 + left, 0)


class BudgetMachine(RuleBasedStateMachine):
    """Reserve, execute, release in any order under a cap that moves: the books always balance."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = SpendCell()
        self.open: list[int] = []
        self.paid = 0
        self.highest = 0

    @initialize(cap=st.integers(0, 5000))
    def first_cap(self, cap: int) -> None:
        self.cap = self.highest = cap

    @rule(cap=st.integers(0, 5000))
    def set_cap(self, cap: int) -> None:
        self.cap = cap
        self.highest = max(self.highest, cap)

    @rule(amount=st.integers(1, 2000))
    def ask(self, amount: int) -> None:
        before = self.cell.spent.fen
        verdict, self.cell = reserve(self.cell, Money(amount), Money(self.cap))
        assert (verdict is Reservation.RESERVED) == (before + amount <= self.cap)
        if verdict is Reservation.RESERVED:
            self.open.append(amount)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        reserved = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        executed = data.draw(st.integers(0, reserved))
        self.cell = execute(self.cell, Money(reserved), Money(executed))
        self.paid += executed

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        self.cell = release(self.cell, Money(self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))))

    @invariant()
    def the_books_balance(self) -> None:
        assert self.cell.reserved_fen == Money(sum(self.open))
        assert self.cell.executed_fen == Money(self.paid)

    @invariant()
    def spent_never_passes_the_highest_cap_there_was(self) -> None:
        assert self.cell.spent.fen <= self.highest


TestBudgetMachine = BudgetMachine.TestCase


@pytest.mark.parametrize(
    ("spent", "cap", "notify"),
    [
        (9499, 10_000, False),
        (9500, 10_000, True),
        (9700, 10_000, True),
        (20_000, 10_000, True),
        (94, 99, False),
        (95, 100, True),
        (0, 1, False),
        (1, 1, True),
        (0, 0, False),
        (5, 0, False),
    ],
)
def test_the_seller_is_told_from_95_percent_on_15_53(spent: int, cap: int, notify: bool) -> None:
    watched = watch(spend(0, spent), Money(cap))
    assert watched.notify == notify
    assert watched.cell.alerts == notify
    assert watched.cell.armed != notify


def test_the_seller_is_told_once_while_consumption_stays_up_15() -> None:
    told = watch(spend(0, 9500), Money(10_000)).cell
    again = watch(told.model_copy(update={"reserved_fen": Money(9900)}), Money(10_000))
    assert not again.notify


def test_a_notice_is_armed_again_below_95_percent_and_given_three_times_a_day_at_most_16() -> None:
    cell, told = spend(), []
    for _ in range(ALERTS_PER_DAY_MAX + 2):
        up = watch(cell.model_copy(update={"reserved_fen": Money(9600)}), Money(10_000))
        told.append(up.notify)
        down = watch(up.cell.model_copy(update={"reserved_fen": Money(100)}), Money(10_000))
        assert down.cell.armed
        assert not down.notify
        cell = down.cell
    assert told == [True, True, True, False, False]
    assert cell.alerts == ALERTS_PER_DAY_MAX


def test_a_raised_cap_arms_the_notice_again_16() -> None:
    told = watch(spend(0, 9500), Money(10_000)).cell
    assert watch(told, Money(20_000)).cell.armed


def test_a_cap_of_zero_neither_tells_nor_arms_53() -> None:
    told = spend(0, 9500, armed=False, alerts=1)
    assert watch(told, ZERO).cell is told


@given(fen, st.integers(1, 10**9), st.booleans(), st.integers(0, 3))
def test_a_look_changes_nothing_but_what_was_said(spent: int, cap: int, armed: bool, alerts: int) -> None:
    before = spend(0, spent, armed=armed, alerts=alerts)
    after = watch(before, Money(cap)).cell
    assert after.spent == before.spent
    assert after.armed == (spent * 100 < 95 * cap)
    assert alerts <= after.alerts <= ALERTS_PER_DAY_MAX


@pytest.mark.parametrize(
    ("spent", "cap", "shown"),
    [
        (0, 1000, "0.00"),
        (9520, 10_000, "95.20"),
        (2, 3, "66.66"),
        (9499_999, 10_000_000, "94.99"),
        (12_345, 10_000, "123.45"),
        (5, 100_000, "0.00"),
        (1, 0, None),
    ],
)
def test_consumption_is_shown_with_two_decimals_truncated_15(spent: int, cap: int, shown: str | None) -> None:
    assert consumption_percent(Money(spent), Money(cap)) == shown


@pytest.mark.parametrize(("spent", "red"), [(8999, False), (9000, False), (9001, True), (9500, True)])
def test_consumption_is_red_above_90_percent_15(spent: int, red: bool) -> None:
    assert is_red(Money(spent), Money(10_000)) == red
