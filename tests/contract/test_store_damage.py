"""A store on a disk that fails: it says which of three things is the case, and never gives a wrong cell."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tables.stores.rocksdb import DAMAGED_MARK, DamagedStore, DiskRefuses, RocksDBStore, StoreFailed, StoreInUse

ROOT = Path(__file__).parents[2]
CELLS = 4000
BATCH = 100
DAMAGES = 40
MANIFEST_STEP_BYTES = 29
NOBODY_UID = 65_534


def cells_at(position: int) -> dict[bytes, bytes]:
    """What the template holds at a position: written by batches, every seventh cell deleted again later."""
    chance = random.Random(1)
    cells: dict[bytes, bytes] = {}
    for number in range(position):
        cells[b"k%06d" % number] = chance.randbytes(120)
        if number % 7 == 0:
            cells.pop(b"k%06d" % (number // 2), None)
    return cells


WRITE_AND_DIE = """
import os, random, sys
from pathlib import Path
from tables.stores.rocksdb import RocksDBStore
path, number, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance, store = random.Random(1), RocksDBStore(path)
for first in range(0, number, batch):
    puts = {}
    for n in range(first, first + batch):
        puts[b"k%06d" % n] = chance.randbytes(120)
        if n % 7 == 0:
            puts[b"k%06d" % (n // 2)] = None
    store.apply(puts, first + batch)
    if first and first % (10 * batch) == 0:
        store._db.flush()  # three tables: at a fourth RocksDB begins to merge them, and may be killed in the middle
os._exit(9)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose process was killed: several tables, and the newest cells in none."""
    path = tmp_path_factory.mktemp("template") / "db"
    command = [sys.executable, "-c", WRITE_AND_DIE, str(path), str(CELLS), str(BATCH)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 9
    assert list(path.glob("*.sst"))
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(template, tmp_path / "db"))


def flip(file: Path, at: int) -> None:
    raw = bytearray(file.read_bytes())
    raw[at] ^= 0xFF
    file.write_bytes(raw)


def table_file(path: Path) -> Path:
    return max(path.glob("*.sst"), key=lambda file: file.stat().st_size)


def read_all(path: Path) -> tuple[int | None, dict[bytes, bytes]]:
    """The position and every cell, each way of reading agreeing with the others. Raises what the store raises."""
    store = RocksDBStore(path)
    try:
        cells = dict(store.items())
        assert list(store.keys()) == list(cells)
        assert all(store.get(b"k%06d" % number) == cells.get(b"k%06d" % number) for number in range(CELLS))
        return store.position, cells
    finally:
        store.close()


def test_undamaged_all_is_there(path: Path) -> None:
    position, cells = read_all(path)
    assert position == CELLS - 9 * BATCH
    assert cells == cells_at(position)


@pytest.mark.parametrize("seed", range(DAMAGES))
def test_whatever_byte_is_wrong_no_cell_is(path: Path, seed: int) -> None:
    """Either the store refuses, or what it gives is what was written up to its position."""
    chance = random.Random(seed)
    files = sorted(file for file in path.iterdir() if file.stat().st_size and not file.name.startswith("LOG"))
    file = chance.choice(files)
    match chance.choice(("flip", "flip", "cut", "delete")):
        case "flip":
            flip(file, chance.randrange(file.stat().st_size))
        case "cut":
            os.truncate(file, chance.randrange(file.stat().st_size))
        case _:
            file.unlink()
    damaged = False
    try:
        position, cells = read_all(path)
    except DamagedStore:
        damaged = True
    if damaged:
        with pytest.raises(DamagedStore):  # it does not get well by itself
            read_all(path)
        RocksDBStore.delete(path)
        position, cells = read_all(path)
        assert position is None
    assert cells == cells_at(position or 0)


def test_a_manifest_cut_short_makes_no_hole(template: Path, tmp_path: Path) -> None:
    """It names fewer tables then, and looks whole: what they hold must be a beginning, without anything newer on top."""
    size = next(template.glob("MANIFEST*")).stat().st_size
    positions = set()
    for number, at in enumerate(range(0, size, MANIFEST_STEP_BYTES)):
        path = Path(shutil.copytree(template, tmp_path / str(number)))
        os.truncate(next(path.glob("MANIFEST*")), at)
        try:
            position, cells = read_all(path)
        except DamagedStore:
            continue
        assert cells == cells_at(position or 0)
        positions.add(position)
    assert len(positions) > 2


def test_a_damage_met_at_work_is_known_at_the_next_opening(path: Path) -> None:
    table = table_file(path)
    flip(table, table.stat().st_size // 2)
    store = RocksDBStore(path)  # nothing is read of that block yet
    with pytest.raises(DamagedStore, match=r"db is damaged; it is made anew at the next start: Corruption"):
        list(store.items())
    store.close()
    table.unlink()  # whatever became of the block meanwhile
    with pytest.raises(DamagedStore, match="checksum"):
        RocksDBStore(path)
    RocksDBStore.delete(path)
    assert read_all(path) == (None, {})


@pytest.mark.parametrize(
    "read",
    [
        lambda store: list(store.items()),
        lambda store: list(store.keys()),
        lambda store: [store.get(b"k%06d" % number) for number in range(CELLS)],
    ],
    ids=["items", "keys", "get"],
)
def test_no_way_of_reading_passes_over_a_damaged_block(path: Path, read: Callable[[RocksDBStore], object]) -> None:
    table = table_file(path)
    flip(table, table.stat().st_size // 2)
    store = RocksDBStore(path)
    with pytest.raises(DamagedStore):
        read(store)
    store.close()
    assert (path / DAMAGED_MARK).exists()


def test_closing_a_damaged_store_raises_nothing_and_using_a_closed_one_is_no_damage(path: Path) -> None:
    store = RocksDBStore(path)
    store.close()
    store.close()
    for use in (lambda: store.get(b"k"), lambda: store.apply({}, 1)):
        with pytest.raises(StoreFailed, match="is closed"):
            use()
    assert not (path / DAMAGED_MARK).exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / "CURRENT").unlink(),
        lambda path: (path / "CURRENT").write_bytes(b"garbage\n"),
        lambda path: next(path.glob("MANIFEST*")).unlink(),
        lambda path: table_file(path).unlink(),
        lambda path: os.truncate(table_file(path), 1000),
        lambda path: flip(table_file(path), table_file(path).stat().st_size - 60),
    ],
    ids=["no CURRENT", "garbage in CURRENT", "no MANIFEST", "no table", "table cut off", "table's end flipped"],
)
def test_damaged_files_are_told_at_once_from_a_locked_store(path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(path)
    with pytest.raises(DamagedStore, match=str(path)):
        RocksDBStore(path)


def test_another_process_keeps_its_store(tmp_path: Path) -> None:
    store = RocksDBStore(tmp_path / "db")
    store.apply({b"a": b"1"}, 1)
    code = "import sys; from pathlib import Path; from tables.stores.rocksdb import RocksDBStore; RocksDBStore(Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "db")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "StoreInUse" in done.stderr
    assert "each worker needs a data directory of its own" in done.stderr
    with pytest.raises(StoreInUse):
        RocksDBStore(tmp_path / "db")
    store.close()
    assert read_all(tmp_path / "db")[0] == 1


AS_NOBODY = """
import os, sys
from pathlib import Path
from tables.stores.rocksdb import DiskRefuses, RocksDBStore
if os.getuid() == 0:
    os.setuid(int(sys.argv[2]))
try:
    RocksDBStore(Path(sys.argv[1]))
except DiskRefuses as error:
    print(error)
"""


@pytest.mark.parametrize("folder", ["db", "db/never made"])
def test_a_directory_without_rights_is_no_damage(path: Path, folder: str) -> None:
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    for one in [*path.parents[:2], path]:
        one.chmod(0o555)
    try:
        command = [sys.executable, "-c", AS_NOBODY, str(path.parent / folder), str(NOBODY_UID)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        for one in [*path.parents[:2], path]:
            one.chmod(0o755)
    assert "mend its rights" in done.stdout, done.stderr
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


def test_a_directory_that_is_a_file_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("something else")
    with pytest.raises(DiskRefuses, match="the disk refuses the store in"):
        RocksDBStore(tmp_path / "db")
    with pytest.raises(DiskRefuses):
        RocksDBStore.delete(tmp_path / "db")


WRITE_UNTIL_FULL = """
import resource, sys
from pathlib import Path
from tables.stores import rocksdb
rocksdb.WRITE_BUFFER_BYTES = 65_536
store = rocksdb.RocksDBStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
for number in range(10_000):
    try:
        store.apply({b"k%d" % n: b"x" * 50 for n in range(number, number + 10)}, number + 1)
    except rocksdb.DiskRefuses as error:
        print(error)
        break
store.close()
"""


def test_a_disk_that_takes_no_more_is_no_damage_and_keeps_what_it_took(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_UNTIL_FULL, str(tmp_path / "db")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make room there" in done.stdout
    assert "File too large" in done.stdout
    store = RocksDBStore(tmp_path / "db")
    position = store.position or 0
    assert len(dict(store.items())) == (position + 9 if position else 0)
    store.close()
