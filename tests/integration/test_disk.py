"""A worker's disk fails: it is full, or a file on it is spoilt. The worker says so and ends; the next start decides the rest."""

from __future__ import annotations

import asyncio
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.outputs import produce
from tests.integration.test_commands import call
from tests.integration.town import PARTITIONS, Town, home, metric
from tests.integration.traffic import make_traffic
from tests.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

WRITERS = "tests.integration.small_buffers"
END_SECONDS_MAX = 60
DISK_BYTES = 48_000_000
FILE_BYTES_MAX = 16_000
"""Less than a table file of RocksDB; more than the worker's log."""
REQUESTS = 5000
IN_FIRST_BLOCK = 500
TABLE_BYTES_MIN = 4_000
"""A table file so long has more than one block: 4 kB each, about 1.1 kB compressed."""


class LimitedFiles:
    """Full as each file may only be so long: what can be had everywhere."""

    def __init__(self, folder: Path) -> None:
        self.data = folder

    def fill(self, worker: WorkerProcess) -> None:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))

    def make_room(self) -> None:
        """The next process has no limit."""

    def umount(self) -> None:
        """Nothing was mounted."""


class SmallDisk:
    """A disk of its own that is really full: for those who may mount one."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)

    def fill(self, worker: WorkerProcess) -> None:
        with (self.data / "filler").open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(65_536))
            except OSError:
                pass

    def make_room(self) -> None:
        (self.data / "filler").unlink()

    def umount(self) -> None:
        subprocess.run(["umount", "-l", self.data], check=True)


def may_mount() -> bool:
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.fixture(params=[LimitedFiles, SmallDisk] if may_mount() else [LimitedFiles])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LimitedFiles | SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = request.param(folder)
    yield disk
    disk.umount()


def start(town: Town, data: Path, *, ready: bool = True) -> WorkerProcess:
    """A worker on that disk."""
    return town.worker(ready=ready, module=WRITERS, store="rocksdb", data_dir=str(data), hold_seconds="4")


async def test_a_full_disk_ends_the_worker_with_a_message_and_nothing_is_lost(
    town: Town, disk: LimitedFiles | SmallDisk
) -> None:
    traffic = make_traffic(6, REQUESTS)
    await produce(town.broker.address, traffic.configs, PARTITIONS)
    first = start(town, disk.data)
    disk.fill(first)
    await produce(town.broker.address, traffic.records, PARTITIONS)
    assert await asyncio.to_thread(first.wait, END_SECONDS_MAX) == 1
    said = first.log.read_text()
    assert f"the disk refuses the store in {disk.data}" in said
    assert "make room there or mend its rights, then start again (nothing is lost)" in said
    _, *farewell = first.last_words()
    assert len(farewell) == 1 or farewell[0].startswith("Timeout ("), (
        said
    )  # RocksDB waited for room: then where it stood
    before = len(await town.decisions())
    assert before < REQUESTS

    if isinstance(disk, SmallDisk):
        disk.fill(first)  # what its end has freed: a start that finds a little room may get along with it for long
        again = start(town, disk.data, ready=False)
        assert await asyncio.to_thread(again.wait, END_SECONDS_MAX) == 1
        assert "make room there" in again.log.read_text()
    disk.make_room()
    start(town, disk.data)
    await town.settled(traffic)
    assert "damaged" not in town.workers[-1].log.read_text()
    code, told = await call(town, "audit")
    assert (code, "all agree" in told) == (0, True), told


async def test_a_spoilt_table_is_met_at_work_said_and_made_anew(town: Town) -> None:
    data, shop, number = town.folder / "kept", "shop-1", 800
    first = start(town, data)
    await town.strategy(daily_cap_fen=10_000_000)
    await asyncio.gather(*(town.order(f"o-{n}") for n in range(number)))
    await asyncio.gather(*(town.ask(n) for n in range(number)))
    await town.decisions(number)
    assert first.terminate() < 5
    spoilt = data / "autorefund" / "requests" / str(home(shop))
    for table in spoilt.glob("*.sst"):
        spoil_first_block(table)

    second = start(town, data)
    assert metric(second, "autorefund_restored_records_total") == 0, second.log.read_text()  # it was stopped in order
    await asyncio.gather(*(town.ask(n) for n in range(number)))
    assert await asyncio.to_thread(second.wait, END_SECONDS_MAX) == 1
    assert f"the store in {spoilt} is damaged; it is made anew at the next start" in second.log.read_text()

    third = start(town, data)
    assert f"the store in {spoilt} is damaged and is made anew from its changelog" in third.log.read_text()
    assert metric(third, "autorefund_restored_records_total") >= number
    await town.ask("last")
    await town.order("o-last")
    assert len(await town.decisions(number + 1)) == number + 1
    code, told = await call(town, "audit")
    assert (code, "all agree" in told) == (0, True), told


def spoil_first_block(table: Path) -> None:
    """A byte of it; a file's last block, in which the position lies, stays."""
    raw = bytearray(table.read_bytes())
    if len(raw) > TABLE_BYTES_MIN:
        raw[IN_FIRST_BLOCK] ^= 0xFF
        table.write_bytes(raw)
