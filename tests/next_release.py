"""The release after this one, for tests: a copy of the tree with what a next release may change, and a version of its own.

It remembers of each day's spend the first approval that it made itself (a field more in a cell), tells it in every decision
(a field more in an output), and knows where a request came from (a field more in an input).
"""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["VERSION", "next_release"]

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "tables", "schemas")
VERSION = "99.0.0"
CHANGES = (
    ("schemas/cells.py", "    cap_reached: bool = False\n", "    first_decision_id: str | None = None\n"),
    (
        "app/processor/deciding.py",
        "    watched = budget.watch(granted.spend, strategy.daily_cap_fen)\n",
        '    first = {"first_decision_id": watched.cell.first_decision_id or request.decision_id}\n    watched = replace(watched, cell=watched.cell.model_copy(update=first))\n',
    ),
    ("app/processor/deciding.py", "from dataclasses import dataclass\n", "from dataclasses import replace\n"),
    (
        "app/processor/decision_event.py",
        '            "daily_cap_fen": strategy.daily_cap_fen.fen,\n',
        '            "first_of_day": spend.first_decision_id or (request.decision_id if approved else None),\n',
    ),
    (
        "schemas/events/decisions.py",
        "    daily_cap_fen: Money | None = None\n",
        "    first_of_day: str | None = None\n",
    ),
    ("schemas/events/requests.py", "    deadline_at: Instant | None = None\n", "    channel: Text | None = None\n"),
)
"""File, a line that stands there once, and what the next release has after it."""


def next_release(to: Path) -> Path:
    """Make it. Raises ValueError where the present code is no longer what CHANGES are made for."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, to / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, line, more in CHANGES:
        path = to / name
        source = path.read_text()
        if source.count(line) != 1:
            raise ValueError(f"stands {source.count(line)} times in {name}: {line}")
        path.write_text(source.replace(line, line + more))
    known_as = to / f"autorefund-{VERSION}.dist-info"
    known_as.mkdir()
    (known_as / "METADATA").write_text(f"Metadata-Version: 2.1\nName: autorefund\nVersion: {VERSION}\n")
    return to
