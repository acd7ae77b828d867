"""Seeded streams of made-up replay lines: nasty, realistic, repeatable. `python -m tests.streams SEED N > file.jsonl`.

A stream is a row of moves, each with a seed of its own: taking one away leaves the others much as they were, so that a
failing stream can be made short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from tests.streams import buyers_moves, edge_moves, extreme_moves, sellers_moves, worlds_moves
from tests.streams.records import Json
from tests.streams.scene import STARTS, Scene

Move = tuple[str, int]

WEIGHTS: dict[Callable[[Random, Scene], None], int] = {
    buyers_moves.ask: 40,
    buyers_moves.volley: 5,
    buyers_moves.ask_early: 6,
    buyers_moves.edit: 10,
    buyers_moves.reject: 3,
    buyers_moves.ask_again: 4,
    buyers_moves.repeat: 4,
    buyers_moves.carrier_speaks: 10,
    sellers_moves.set_strategy: 12,
    sellers_moves.change_cap: 7,
    sellers_moves.set_shop_cap: 2,
    sellers_moves.answer: 15,
    sellers_moves.list_buyer: 3,
    sellers_moves.control: 2,
    sellers_moves.resume: 8,
    edge_moves.window_edges: 2,
    edge_moves.thirty_days: 1,
    edge_moves.block_ends: 1,
    edge_moves.up_and_down: 2,
    extreme_moves.extreme_strategy: 1,
    extreme_moves.extreme_order: 2,
    extreme_moves.extreme_request: 2,
    extreme_moves.extreme_entry: 1,
    worlds_moves.nonsense: 8,
    worlds_moves.jump: 10,
}
MOVES: dict[str, Callable[[Random, Scene], None]] = {move.__name__: move for move in WEIGHTS} | {
    "burst": worlds_moves.burst
}
BURST_CHANCE = 0.002
SEED_MAX = 2**32


def play(moves: Iterable[Move], start: int = 0, lines_max: int = 10_000) -> list[Json]:
    """The lines of a row of moves, from one of the starting times."""
    scene = Scene(STARTS[start % len(STARTS)])
    worlds_moves.open_shops(Random(start), scene)
    for name, seed in moves:
        rng = Random(seed)
        scene.step(rng)
        MOVES[name](rng, scene)
        if len(scene.lines) >= lines_max:
            break
    return scene.lines[:lines_max]


def moves_of(seed: int) -> Iterable[Move]:
    """An endless row of moves in their usual mixture."""
    rng = Random(seed)
    names, weights = [move.__name__ for move in WEIGHTS], list(WEIGHTS.values())
    while True:
        name = "burst" if rng.random() < BURST_CHANCE else rng.choices(names, weights)[0]
        yield name, rng.randrange(SEED_MAX)


def generate(seed: int, n: int) -> list[Json]:
    """n lines; the same for the same seed."""
    return play(moves_of(seed), start=seed, lines_max=n)
