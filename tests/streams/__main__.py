"""`python -m tests.streams SEED N`: a stream as JSON lines, for `python -m app replay` or `python -m tests.oracle`."""

from __future__ import annotations

import json
import sys

from tests.streams import generate

EXIT_USAGE = 2


def main(arguments: list[str]) -> int:
    try:
        seed, lines = (int(each) for each in arguments)
    except ValueError:
        sys.stderr.write("usage: python -m tests.streams SEED N\n")
        return EXIT_USAGE
    for line in generate(seed, lines):
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
