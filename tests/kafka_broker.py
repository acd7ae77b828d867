"""A real Kafka for tests: one broker a session, in a directory of its own, on a free port of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

__all__ = ["Broker"]

SCRIPT = Path(__file__).parents[1] / "deploy" / "kafka.sh"
COMMAND_SECONDS_MAX = 240
"""The first start may have to fetch Kafka's jars."""


class Broker:
    """A one-node Kafka under `directory`; `address` is its host:port, the same after a restart.

    `more`: variables of deploy/kafka.sh, for a broker that is set otherwise.
    """

    def __init__(self, directory: Path, **more: str) -> None:
        self._environment = os.environ | {"AUTOREFUND_KAFKA_DIR": str(directory), "AUTOREFUND_KAFKA_PORT": "0"} | more
        self._directory = directory
        self.address = ""

    def start(self) -> None:
        """Start it (again), and wait until it serves."""
        self.address = self._do("start").splitlines()[-1]

    def stop(self) -> None:
        """SIGTERM."""
        self._do("stop")

    def kill(self) -> None:
        """SIGKILL."""
        self._do("kill")

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        os.kill(self._pid(), signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self._pid(), signal.SIGCONT)

    def mend(self) -> None:
        """Whatever was done to it: it runs again."""
        with suppress(OSError):
            self.resume()
        self.start()

    def wipe(self) -> None:
        """Kill it, and remove all it stored."""
        self._do("wipe")

    def _pid(self) -> int:
        return int((self._directory / "pid").read_text())

    def _do(self, command: str) -> str:
        done = subprocess.run(
            [SCRIPT, command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"kafka.sh {command}: {done.stderr}")
        return done.stdout
