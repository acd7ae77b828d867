"""The product's replay against the naive oracle on made-up streams: line by line, the same outputs.

A difference is shown on the shortest stream that still has it, as lines that `python -m app replay` takes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.engines import compared, oracle, product
from tests.property.shrink import shortest
from tests.streams import MOVES, SEED_MAX, Move, generate, play

Json = dict[str, Any]
SEEDS = range(12)
LINES = 700


def difference(lines: list[Json], all_reasons: bool) -> tuple[int, list[str], list[str]] | None:
    """The first line where the two differ: (its number, only the oracle said, only the product said)."""
    ours, theirs = product(lines), oracle(lines)
    for number, (said, expected) in enumerate(zip(ours, theirs, strict=True)):
        left = [compared(each, all_reasons) for each in said]
        right = []
        for each in (compared(each, all_reasons) for each in expected):
            if each in left:
                left.remove(each)
            else:
                right.append(each)
        if left or right:
            return number, right, left
    return None


def assert_same(lines: list[Json], all_reasons: bool = False) -> None:
    found = difference(lines, all_reasons)
    if found is None:
        return
    short = shortest(lines[: found[0] + 1], lambda some: difference(some, all_reasons) is not None)
    found = difference(short, all_reasons)
    assert found is not None
    number, expected, said = found
    stream = "\n".join(json.dumps(line, ensure_ascii=False) for line in short)
    pytest.fail(f"{stream}\n\nline {number}: only the oracle:\n{_rows(expected)}\nonly the product:\n{_rows(said)}")


def _rows(rows: list[str]) -> str:
    return "\n".join(rows) or "(nothing)"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seeded_stream_is_decided_as_the_oracle_decides_it(seed: int) -> None:
    assert_same(generate(seed, LINES))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seeded_stream_is_given_the_reasons_the_oracle_gives(seed: int) -> None:
    assert_same(generate(seed, LINES), all_reasons=True)


MOVE = st.tuples(st.sampled_from(sorted(set(MOVES) - {"burst"})), st.integers(0, SEED_MAX))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(start=st.integers(0, 3), moves=st.lists(MOVE, min_size=1, max_size=60))
def test_any_row_of_moves_is_decided_as_the_oracle_decides_it(start: int, moves: list[Move]) -> None:
    assert_same(play(moves, start))
