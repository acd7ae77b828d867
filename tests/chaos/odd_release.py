"""`python -m tests.chaos.odd_release worker`: a worker whose catalogue has forgotten what it counts requests by."""

from __future__ import annotations

import sys

from app.__main__ import main
from app.metrics import TALLIES

if __name__ == "__main__":
    del TALLIES["requests"]  # type: ignore[attr-defined]
    sys.exit(main())
