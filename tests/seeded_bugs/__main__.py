"""`python -m tests.seeded_bugs layer|rules|growth [WORD]`: each bug in turn, and the test that kills it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import monotonic

from tests.seeded_bugs.bug import Bug, copy_tree, killer_of
from tests.seeded_bugs.growth import GROWTH_BUGS
from tests.seeded_bugs.layer import LAYER_BUGS
from tests.seeded_bugs.rules import RULE_BUGS

LISTS = {"layer": LAYER_BUGS, "rules": RULE_BUGS, "growth": GROWTH_BUGS}


def main(arguments: list[str]) -> int:
    """Exit code 1 where a bug survives, 2 where it was called wrongly."""
    if not arguments or arguments[0] not in LISTS:
        print(__doc__, file=sys.stderr)
        return 2
    chosen: list[Bug] = [bug for bug in LISTS[arguments[0]] if all(word in bug.name for word in arguments[1:])]
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_tree(Path(folder))
        for bug in chosen:
            started = monotonic()
            killer = killer_of(bug, tree)
            print(f"{bug.name}\n    {killer or 'SURVIVED'}  ({monotonic() - started:.0f} s)", flush=True)
            survivors += [] if killer else [bug.name]
    print(
        f"{len(chosen) - len(survivors)} of {len(chosen)} killed" + "".join(f"\nSURVIVED: {one}" for one in survivors)
    )
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
