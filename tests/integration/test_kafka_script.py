"""deploy/kafka.sh, as a person in a narrow terminal calls it: what it says of a broker is so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.kafka_broker import SCRIPT

pytestmark = pytest.mark.integration

NARROW = {"COLUMNS": "20"}
"""ps cuts its lines there."""
NOT_RUNNING = 3


def call(command: str, folder: Path) -> tuple[int, str]:
    environment = os.environ | NARROW | {"AUTOREFUND_KAFKA_DIR": str(folder), "AUTOREFUND_KAFKA_PORT": "0"}
    done = subprocess.run(
        [SCRIPT, command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False
    )  # fmt: skip
    return done.returncode, done.stdout.strip()


def test_a_broker_is_known_to_run_until_it_is_killed_and_keeps_its_port(tmp_path: Path) -> None:
    folder = tmp_path / "kafka"
    assert call("status", folder) == (NOT_RUNNING, "")
    try:
        code, address = call("start", folder)
        assert code == 0
        assert call("start", folder) == call("status", folder) == (0, address)
        for ends in ("kill", "stop"):
            pid = int((folder / "pid").read_text())
            assert call(ends, folder) == (0, "")
            assert not Path(f"/proc/{pid}/fd").exists() or not any(Path(f"/proc/{pid}/fd").iterdir())
            assert call("status", folder) == (NOT_RUNNING, "")
            assert call("start", folder) == (0, address)
    finally:
        assert call("wipe", folder) == (0, "")
    assert not folder.exists()
