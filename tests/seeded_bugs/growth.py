"""Faults of growing the number of partitions, and of those who read history afterwards."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

__all__ = ["GROWTH_BUGS"]

GROWTH, AUDIT, OWNERS = "app/kafka/growth.py", "app/commands/audit.py", "tables/owners.py"
STORY = ("tests/integration/test_growth.py",)
LANES = ("tests/unit/exactly_once/test_lanes.py",)
PROCESSOR = ("tests/unit/processor/test_processor.py",)
CELLS = ("tests/unit/test_owners.py",)
HOMES = ("tests/unit/test_partitions.py",)

GROWTH_BUGS = [
    Bug(
        "cells stay where they were",
        GROWTH,
        "await self._writers[lane].commit({table: dict.fromkeys(some)}, written, {})",
        "pass",
        STORY,
    ),
    Bug(
        "cells are copied, not moved",
        GROWTH,
        "commit({table: dict.fromkeys(some)}, written, {})",
        "commit({}, written, {})",
        STORY,
    ),
    Bug(
        "new lanes do not get what every lane has",
        GROWTH,
        "                await self._spread(tables)\n",
        "                pass\n",
        STORY,
    ),
    Bug(
        "new lanes are not told what nobody has read",
        GROWTH,
        "                    if value not in there:\n",
        "                    if False:\n",
        STORY,
    ),
    Bug("it grows under a running worker", GROWTH, "    if members:\n", "    if False:\n", STORY),
    Bug("any number will do", GROWTH, "        if partitions % number:\n", "        if False:\n", STORY),
    Bug("after-sale-request grows first", GROWTH, "if name != AFTER_SALE_REQUEST.name]", "if name]", STORY),
    Bug(
        "grown by hand is not noticed",
        "app/processor/processor.py",
        "            if home != self._lane:\n",
        "            if False:\n",
        PROCESSOR,
    ),
    Bug(
        "a partition added meanwhile is taken",
        "app/exactly_once/lanes.py",
        "            if partition >= self.settings.partitions:\n",
        "            if False:\n",
        LANES,
    ),
    Bug(
        "block lists of every shop belong to a shop",
        OWNERS,
        "    if table == buyers.NAME and first == ALL:\n",
        "    if False:\n",
        CELLS,
    ),
    Bug(
        "a shop's switch belongs to nobody",
        OWNERS,
        "            return rest[0]\n",
        "            return Keeper.THIS_LANE\n",
        CELLS,
    ),
    Bug(
        "the audit looks for decisions in today's lane only",
        AUDIT,
        '            home = reader.home(value["shop_id"])\n',
        "            home = lane\n",
        STORY,
    ),
    Bug("the audit counts a forwarded result twice", AUDIT, "if one.origin not in forwarded]", "]", STORY),
    Bug(
        "the audit forgets results from before",
        AUDIT,
        "            books.earlier[home].append(one)\n",
        "            pass\n",
        STORY,
    ),
    Bug(
        "history is looked for in today's partition only",
        "app/partitions.py",
        "range(1, partitions + 1)",
        "range(partitions, partitions + 1)",
        HOMES,
    ),
]
