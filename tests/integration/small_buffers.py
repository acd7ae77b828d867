"""`python -m tests.integration.small_buffers worker`: a worker whose stores write files all the time, not at 16 MB only."""

from __future__ import annotations

import sys

from app.__main__ import main
from tables.stores import rocksdb

if __name__ == "__main__":
    rocksdb.WRITE_BUFFER_BYTES = 65_536  # type: ignore[misc]
    sys.exit(main())
