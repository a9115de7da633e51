"""The list of a stage's committed parts while it is being computed: ``parts.jsonl``, a sealed line a part.

A part is committed when its line is on the disk, after its file is. Killed between the two, a process leaves a file
that no line names: nobody can say that it is whole, so it is not adopted but removed and computed again, to the same
bytes. Killed within a line, it leaves a line without an end, which counts for nothing and is overwritten.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from charter.records.disk import storage_errors, sync
from charter.records.parts import PartEntry
from charter.records.sealed import damage, seal, unseal

JOURNAL = "parts.jsonl"


class Journal:
    """Committed parts by index, on disk and in memory."""

    def __init__(self, folder: Path) -> None:
        """Reads what was committed. Raises ``DamageError`` for a whole line that isn't as it was written."""
        self.path = folder / JOURNAL
        self.entries: dict[int, PartEntry] = {}
        whole = self.path.read_bytes() if self.path.exists() else b""
        whole = whole[: whole.rfind(b"\n") + 1]
        for line in whole.splitlines():
            entry = PartEntry(**unseal(line, self.path))
            if entry.index in self.entries:
                raise damage(self.path, f"names part {entry.index} twice")
            self.entries[entry.index] = entry
        self._committed_bytes = len(whole)

    def append(self, entry: PartEntry) -> None:
        """Commits a part whose file is already on the disk. Raises ``StorageError``, and then nothing is committed."""
        line = seal(asdict(entry))
        with storage_errors(self.path):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
            with os.fdopen(descriptor, "wb") as file:
                file.truncate(self._committed_bytes)  # what a killed or failed append left
                file.seek(self._committed_bytes)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            sync(self.path.parent)
        self._committed_bytes += len(line)
        self.entries[entry.index] = entry
