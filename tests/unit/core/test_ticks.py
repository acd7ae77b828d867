"""A sliding window of instants with counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.ticks import TICKS_MAX, add, count, within
from schemas.cells import Ticks

times = st.lists(st.integers(0, 50), max_size=30).map(sorted)


def ticks_of(instants: list[int]) -> Ticks:
    ticks: Ticks = ()
    for at in instants:
        ticks = add(ticks, at)
    return ticks


def test_what_happens_at_one_instant_is_one_tick() -> None:
    assert ticks_of([5, 5, 6]) == ((5, 2), (6, 1))


def test_the_edge_of_the_window_counts() -> None:
    assert within(((10, 1), (11, 1)), 70, 60) == ((10, 1), (11, 1))
    assert within(((9, 1), (11, 1)), 70, 60) == ((11, 1),)


def test_a_window_that_loses_nothing_is_not_copied() -> None:
    ticks: Ticks = ((10, 1),)
    assert within(ticks, 70, 60) is ticks


def test_a_window_that_lost_all_is_empty() -> None:
    assert within(((10, 1),), 71, 60) == ()
    assert count(()) == 0


@given(times, st.integers(50, 120), st.integers(0, 60))
def test_the_count_is_that_of_the_instants_in_the_window(instants: list[int], at: int, window: int) -> None:
    assert count(within(ticks_of(instants), at, window)) == sum(1 for one in instants if one >= at - window)


def test_very_many_instants_are_kept_more_coarsely_and_never_count_less() -> None:
    ticks: Ticks = ()
    for at in range(3 * TICKS_MAX):
        ticks = add(ticks, at)
        assert len(ticks) <= TICKS_MAX
    assert count(ticks) == 3 * TICKS_MAX
    last = 3 * TICKS_MAX - 1
    for window in (0, 1, 10, 1000, last):
        assert window + 1 <= count(within(ticks, last, window)) <= window + 1 + 4
