"""One deliberate fault, and how it is tried out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Bug", "copy_tree", "killer_of"]

ROOT = Path(__file__).parents[2]
TRIAL_SECONDS_MAX = 400
NOT_TRIED = (4, 5)
"""pytest's exit codes where it was called wrongly, or found no test."""
ROOMS = ("app", "tables", "schemas", "tests", "deploy")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bug:
    """In `file`, `old` (which stands there exactly once) becomes `new`; `tests` (paths, or one with -k) should see it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, source: str) -> str:
        """The source with the fault. Raises ValueError where the text is not there exactly once."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: stands {source.count(self.old)} times in {self.file}")
        return source.replace(self.old, self.new)


def copy_tree(to: Path) -> Path:
    """The tree as it is now, without what is made again."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, to / room, ignore=shutil.ignore_patterns("__pycache__", "libs"))
    libs = ROOT / "deploy" / "kafka" / "libs"
    if libs.exists():
        (to / "deploy" / "kafka" / "libs").symlink_to(libs)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, to / name)
    return to


def killer_of(bug: Bug, tree: Path) -> str | None:
    """The first test that fails with the bug in the copied `tree`; None = it survives. The tree is mended again."""
    path = tree / bug.file
    source = path.read_text()
    path.write_text(bug.applied(source))
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *bug.tests],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree), "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"(not done after {TRIAL_SECONDS_MAX} s)"
    finally:
        path.write_text(source)
    if done.returncode in NOT_TRIED:
        raise RuntimeError(f"{bug.name}: pytest tried nothing: {done.stdout[-300:]} {done.stderr[-300:]}")
    if done.returncode == 0:
        return None
    failed = _FAILED.search(done.stdout)
    if done.returncode != 1 and failed is None:
        return f"(pytest: exit code {done.returncode}: {done.stdout[-300:]} {done.stderr[-300:]})"
    return failed.group(1) if failed else "(a failure)"
