"""`python -m tests.chaos [--seed N ...] [--requests N] [--brokers 1|3] [--faults a,b] [--store memory|rocksdb]`: the long proof."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from tests.chaos.faults import CLUSTER_FAULTS, FAULTS
from tests.chaos.run import Run, Story


def main() -> int:
    """Exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--requests", type=int, default=100_000, help="distinct pending versions, for each seed")
    parser.add_argument("--rate", type=float, default=900, help="records a second")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="3: three copies, two in sync")
    parser.add_argument("--faults", help=f"of {','.join(FAULTS)}; with three brokers of {','.join(CLUSTER_FAULTS)}")
    parser.add_argument("--store", choices=("memory", "rocksdb"), default="memory")
    asked = parser.parse_args()
    faults = asked.faults.split(",") if asked.faults else FAULTS if asked.brokers == 1 else CLUSTER_FAULTS
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of a broker that is killed it has much to say
    wrong = total = 0
    for seed in asked.seed:
        story = Story(seed, asked.requests, asked.rate, faults, asked.store, brokers=asked.brokers)
        run = asyncio.run(Run.of(story))
        print("\n".join(run.lines()), flush=True)
        wrong += len(run.verdict.faults)
        total += run.verdict.decisions
    print(f"{total} requests over {len(asked.seed)} seeds: {'something is wrong' if wrong else 'nothing is wrong'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
