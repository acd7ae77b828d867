"""The guide, followed from its first command to its last on a real broker: every command of ours in it does what it says."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from time import sleep

import pytest

from tests.integration.town import PARTITIONS, Town
from tests.packaging.docs import RUN, Command, commands
from tests.packaging.image import PROJECT
from tests.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SESSION_SECONDS = 6
"""What a town's workers are given (tests/integration/town.py), the least that brokers allow."""
GUIDE = PROJECT / "deploy" / "guide.md"


class Operator:
    """Whoever follows the guide. A worker runs from the moment that the guide starts one, and stops where it says so."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._said: dict[str, str] = {}

    def follow(self, command: Command) -> None:
        """One command; raises AssertionError where it fails."""
        words = command.words
        if words[0] == "export":
            self._said |= dict(word.split("=", 1) for word in words[1:] if "BROKERS" not in word)
        elif words[:2] == ["autorefund", "worker"]:
            settings = {name.removeprefix("AUTOREFUND_").lower(): value for name, value in self._said.items()}
            self._town.worker(**settings)
        elif "--every" in words:
            self._town.auditor(float(words[words.index("--every") + 1]))
        elif words[0] == "curl":
            status, body = self._worker.get("/" + words[1].rpartition("/")[2])
            assert (status, bool(body)) == (200, True), command
        elif words[0] == "autorefund":
            if "--grow-to" in words:
                self._stop_every_worker()
                words[-1] = str(2 * PARTITIONS)  # the guide's are of an installation that begins with 12
            self._run(words[1:])

    def _stop_every_worker(self) -> None:
        """And wait as the guide says: one with a name is a member until its session is over."""
        self._worker.terminate()
        sleep(SESSION_SECONDS + 1)

    @property
    def _worker(self) -> WorkerProcess:
        return self._town.workers[-1]

    def _run(self, arguments: list[str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments], env=os.environ | {"AUTOREFUND_BROKERS": self._town.broker.address},
            cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stdout[-1000:], done.stderr[-2000:])


async def test_a_newcomer_follows_the_guide(town: Town) -> None:
    await town.strategy()
    await town.order("o-1")
    await town.ask(1, request_id="R20261101-0001")
    operator = Operator(town)
    followed = [command for command in commands([GUIDE]) if command.line.startswith((*RUN, "export "))]
    assert any("worker" in command.words for command in followed)
    for command in followed:
        await asyncio.to_thread(operator.follow, command)
        if "worker" in command.words:
            await town.decisions(1)
