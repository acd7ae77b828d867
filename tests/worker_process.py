"""Workers as processes of their own, so that they can be killed, paused and stopped as the world does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

__all__ = ["WorkerProcess", "free_port"]

READY_SECONDS_MAX = 60.0


class WorkerProcess:
    """`python -m app worker`, or another command that lives on and has an HTTP port, with settings of its own.

    What it logs goes to a file. `tree`: where another release stands.
    """

    def __init__(
        self,
        log: Path,
        settings: dict[str, str],
        module: str = "app",
        command: Sequence[str] = ("worker",),
        tree: Path | None = None,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self.log = log
        environment = os.environ | settings | {"AUTOREFUND_HTTP_PORT": str(self.port)}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=tree,
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None = it runs."""
        return self._process.poll()

    @property
    def cpu_seconds(self) -> float:
        """What it has used so far; 0 where it has ended (Linux)."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_ready(self) -> None:
        """Until /readyz says so. Raises AssertionError with the log's end where it does not, or ends."""
        until = monotonic() + READY_SECONDS_MAX
        while monotonic() < until and self.exit_code is None:
            if self.is_ready():
                return
            sleep(0.1)
        raise AssertionError(f"not ready (exit code {self.exit_code}):\n{self.log.read_text()[-3000:]}")

    def is_ready(self) -> bool:
        """What /readyz answers now."""
        return self.get("/readyz")[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; (0, "") where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def last_words(self) -> list[str]:
        """What its log says from its first CRITICAL line on, without what is said of the stop itself at INFO."""
        lines = self.log.read_text().splitlines()
        begin = next((at for at, line in enumerate(lines) if " CRITICAL " in line), len(lines))
        return [line for line in lines[begin:] if " INFO     app." not in line]

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it, unless the process has ended."""
        self._process.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    def terminate(self, seconds_max: float = 30.0) -> float:
        """SIGTERM; returns the seconds until it was gone."""
        started = monotonic()
        self._process.terminate()
        self._process.wait(seconds_max)
        return monotonic() - started

    def wait(self, seconds_max: float) -> int:
        """Its exit code, once it ends by itself."""
        return self._process.wait(seconds_max)


def free_port() -> int:
    """A port on which nobody listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
