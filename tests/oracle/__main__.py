"""`python -m tests.oracle FILE`: the oracle's outputs for a file of replay lines, one JSON line each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.oracle import Oracle, is_line

EXIT_USAGE = 2


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tests.oracle FILE\n")
        return EXIT_USAGE
    oracle = Oracle()
    for number, text in enumerate(Path(arguments[0]).read_text(encoding="utf-8").splitlines(), 1):
        line = json.loads(text)
        if not is_line(line):
            sys.stderr.write(f"line {number}: not a replay line\n")
            return EXIT_USAGE
        for output in oracle.feed(line):
            sys.stdout.write(json.dumps(output, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
