"""How a store fails. Nothing is lost by it: what was committed is in the changelogs."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DamagedStore", "DiskRefuses", "StoreFailed", "StoreInUse"]


class StoreFailed(Exception):  # noqa: N818 - what is the case
    """A store cannot go on, and neither can its process. The text says what to do."""


class DamagedStore(StoreFailed):
    """The files of `path` are not what was written. The next start deletes them, and reads the changelog whole."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"the store in {path} is damaged; it is made anew at the next start: {reason}")
        self.reason = str(reason)


class StoreInUse(StoreFailed):
    """Another process has the files open."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"the store in {path} is in use by another process; each worker needs a data directory of its own: {reason}"
        )


class DiskRefuses(StoreFailed):
    """The disk takes no write, or gives no read: it is full, or rights are missing, or it fails."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"the disk refuses the store in {path}; make room there or mend its rights, then start again "
            f"(nothing is lost): {reason}"
        )
