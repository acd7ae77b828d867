"""A process that writes a store is killed at any moment: what the next one finds belongs together, and it goes on from there."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from time import sleep

from tables.stores.rocksdb import RocksDBStore

ROOT = Path(__file__).parents[2]
SEED = 1
LIVES = 20
BATCHES_MAX = 400
"""A life ends at a random batch below this, and some moments later."""
MOMENTS_MAX_SECONDS = 0.01

WRITER = """
import signal, sys
from pathlib import Path
from tables.stores import rocksdb
sys.path.insert(0, sys.argv[3])
from test_store_kill import puts_of
rocksdb.WRITE_BUFFER_BYTES = 65_536  # so that files are written and merged all the time
store = rocksdb.RocksDBStore(Path(sys.argv[1]))
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
number = store.position or 0
print("ready", flush=True)
while not ended:
    store.apply(puts_of(int(sys.argv[2]), number), number + 1)
    number += 1
    print(number, flush=True)
store.close()
"""


def puts_of(seed: int, number: int) -> dict[bytes, bytes | None]:
    """What batch `number` writes."""
    chance = random.Random(seed * 1_000_003 + number)
    keys = [b"k%d" % chance.randrange(500) for _ in range(chance.randrange(1, 40))]
    return {key: chance.randbytes(100) if chance.random() < 0.8 else None for key in keys}


@cache
def model(seed: int) -> list[dict[bytes, bytes]]:
    """The cells at each position, as far as it was asked for."""
    return [{}]


def cells_at(seed: int, position: int) -> dict[bytes, bytes]:
    known = model(seed)
    while len(known) <= position:
        cells = dict(known[-1])
        for key, value in puts_of(seed, len(known) - 1).items():
            if value is None:
                cells.pop(key, None)
            else:
                cells[key] = value
        known.append(cells)
    return known[position]


def live(path: Path, seed: int, batches: int, moments: float, *, in_order: bool) -> int:
    """One life of a writer; returns the last position it told of."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(seed), str(Path(__file__).parent)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told: Iterator[str] = iter(process.stdout)
    assert next(told) == "ready\n"
    last = 0
    for _ in range(batches):
        last = int(next(told))
    sleep(moments)
    process.terminate() if in_order else process.kill()
    rest = [line for line in told if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    return int(rest[-1]) if rest else last


def test_killed_at_any_moment_cells_and_position_belong_together_and_the_next_life_goes_on(tmp_path: Path) -> None:
    chance, seed = random.Random(SEED), SEED
    kept = []
    for number in range(LIVES):
        in_order = number % 5 == 4
        batches, moments = chance.randrange(1, BATCHES_MAX), chance.uniform(0, MOMENTS_MAX_SECONDS)
        told = live(tmp_path / "db", seed, batches, moments, in_order=in_order)
        store = RocksDBStore(tmp_path / "db")
        position = store.position or 0
        assert dict(store.items()) == cells_at(seed, position)
        store.close()
        # A batch may be applied and not yet told of; what is not on disk yet is in the changelog.
        assert position <= told + 1
        assert position >= (told if in_order else kept[-1] if kept else 0)
        kept.append(position)
    assert kept[-1] > BATCHES_MAX  # kills hit a store that had files already
