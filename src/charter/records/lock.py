"""One writer a run: a lock that the kernel gives back when its holder ends, however it ends.

A child made by ``fork`` shares the lock and keeps it past its parent's death; one that runs another program does not.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

from charter.errors import RunError
from charter.records.disk import storage_errors

LOCK = ".lock"


class RunLock:
    """The lock of one run folder. Held until ``release``, or until nothing refers to it any more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._close: weakref.finalize[[int], RunLock] | None = None

    def acquire(self) -> None:
        """Takes the lock unless it is already held by this object. Raises ``RunError`` if someone else has it."""
        if self._close is not None:
            return
        with storage_errors(self._folder / LOCK):
            descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RunError(
                f"another process is writing {self._folder}", "Wait until it ends, or use another --out."
            ) from error
        self._close = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Gives the lock back, if it is held."""
        if self._close is not None:
            self._close()
            self._close = None
