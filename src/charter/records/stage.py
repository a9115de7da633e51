"""A stage's folder: begun with a fingerprint, filled part by part, finished with a manifest.

How it stops and goes on::

    begin ── new ──────> write_part … ──> finish ──> complete
               killed at any point │
    begin ── partial <─────────────┘   committed parts stay; the rest is computed again, to the same bytes
    begin ── complete                  nothing to do
    begin ── FingerprintError          made from something else: nothing is touched
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from charter.digests import digest_of_file
from charter.errors import InvariantError, RunError
from charter.records import disk
from charter.records.journal import JOURNAL, Journal
from charter.records.manifest import MANIFEST, StageManifest, check_fingerprint, load_manifest, save_manifest
from charter.records.parts import PART_NAME, PartEntry, part_bytes, read_part
from charter.records.problems import compare
from charter.records.sealed import damage

T = TypeVar("T")
BeginState = Literal["complete", "partial", "new"]


@dataclass(slots=True)
class _Session:
    """A stage while it is being written: what it began with, and the seconds that sessions before this one spent."""

    manifest: StageManifest
    journal: Journal
    earlier_seconds: float
    last_commit: float


class StageFolder:
    """One stage of a run on disk. ``Run.stage`` makes it; making it touches nothing."""

    def __init__(self, path: Path, lock: Callable[[], None], settle: Callable[[], None]) -> None:
        """``lock`` makes this process the run's one writer; ``settle`` writes down the recipe that it computes by."""
        self.path = path
        self.name = path.name
        self._lock = lock
        self._settle = settle
        self._session: _Session | None = None

    def begin(self, fingerprint: Mapping[str, str]) -> BeginState:
        """Says what there is to do, and opens the folder for writing unless it is complete.

        Raises ``FingerprintError`` if the folder was made from something else, ``DamageError`` if its manifest or
        journal is damaged, ``RunError`` if another process writes this run, ``StorageError``.
        """
        self._lock()
        found = self._load()
        if found is not None:
            check_fingerprint(self.path, found.fingerprint, fingerprint)
            if found.complete:
                self._remove([JOURNAL])  # there if the process was killed within `finish`
                return "complete"
        self._settle()
        manifest = found or self._founded(fingerprint)
        journal = Journal(self.path)
        self._remove(self._leftovers(journal))
        earlier_seconds = manifest.seconds + sum(entry.seconds for entry in journal.entries.values())
        self._session = _Session(manifest, journal, earlier_seconds, time.monotonic())
        return "new" if found is None else "partial"

    def clear(self) -> None:
        """Empties a stage that has begun, and keeps count of the seconds spent so far.

        For a stage such as training that can't be taken up in the middle: call it when ``begin`` says "partial".
        """
        session = self._writing()
        session.manifest = replace(session.manifest, seconds=session.earlier_seconds)
        self._remove([JOURNAL])  # first, so that no line ever names a part that is gone
        self._remove([name for name in disk.files_under(self.path) if name != MANIFEST])
        save_manifest(self.path, session.manifest)
        session.journal = Journal(self.path)

    def write_part(self, index: int, records: Sequence[Any]) -> None:
        """Commits the stage's part ``index``: records of one type, or none at all.

        Raises ``InvariantError`` if that part is committed already, ``TypeError`` for a record that isn't as its type
        says, ``StorageError``; in each case nothing that was committed is touched.
        """
        session = self._writing()
        if index in session.journal.entries:
            raise InvariantError(f"part {index} of {self.path} was committed before: a part is written once")
        data = part_bytes(records)
        seconds = time.monotonic() - session.last_commit
        entry = PartEntry(index, len(records), disk.digest_of_bytes(data), seconds)
        if records:
            disk.write_durably(self.path / entry.file, data)
        session.journal.append(entry)
        session.last_commit = time.monotonic()

    def has_part(self, index: int) -> bool:
        """Whether that part is committed."""
        return index in self._entries()

    def read(self, record_type: type[T]) -> Iterator[T]:
        """All committed records in order, streamed: memory does not grow with their number.

        Raises ``DamageError`` before it uses anything of a damaged part, ``RunError`` if they are of another type.
        """
        for _, entry in sorted(self._entries().items()):
            yield from read_part(self.path, entry, record_type)

    def finish(self, counts: Mapping[str, int], tokens: int, seconds: float, files: Sequence[str] = ()) -> None:
        """Completes the stage. ``files`` are all its files besides the parts, as ``files_under`` gives them.

        ``counts`` and ``tokens`` enter the digest, so take them from the records, not from what this session did;
        ``seconds`` are this session's alone. Raises ``InvariantError`` if a part is missing between others or the
        folder holds a file that isn't named, ``StorageError``.
        """
        session = self._writing()
        entries = tuple(entry for _, entry in sorted(session.journal.entries.items()))
        if [entry.index for entry in entries] != list(range(len(entries))):
            raise InvariantError(f"{self.path} can't be finished: its parts are {[entry.index for entry in entries]}")
        with disk.storage_errors(self.path):
            digests = {name: self._flushed_digest(name) for name in sorted(files)}
        finished = replace(
            session.manifest,
            parts=entries,
            files=digests,
            counts=dict(counts),
            tokens=tokens,
            seconds=session.earlier_seconds + seconds,
            complete=True,
        )
        unnamed = set(self._present()) - set(finished.recorded_files())
        if unnamed:
            raise InvariantError(f"{self.path} can't be finished: nothing names {sorted(unnamed)}")
        save_manifest(self.path, finished)
        self._remove([JOURNAL])
        self._session = None

    @property
    def manifest(self) -> StageManifest:
        """The manifest on disk. Raises ``RunError`` if the stage was never begun."""
        found = self._load()
        if found is None:
            raise RunError(f"{self.path} holds no stage", "Compute it first.")
        return found

    @property
    def digest(self) -> str:
        """The finished stage's digest, times apart. Raises ``RunError`` if it isn't finished."""
        return self._finished().digest

    def files_under(self, folder: str) -> list[str]:
        """The files below a folder of the stage's, as ``finish`` takes them: ``["model/config.json", …]``."""
        return [f"{folder}/{name}" for name in disk.files_under(self.path / folder)]

    def checked(self, name: str) -> Path:
        """The path of a recorded file or folder (``"model"``) of a finished stage, once its digests are verified.

        Raises ``DamageError`` for a file that is damaged, missing or was never recorded (a folder may be loaded by
        whatever lies in it), ``RunError`` if the stage isn't finished or has nothing of that name.
        """

        def is_meant(path: str) -> bool:
            return path == name or path.startswith(f"{name}/")

        recorded = {path: digest for path, digest in self._finished().files.items() if is_meant(path)}
        if not recorded:
            raise RunError(f"{self.path} has no {name}", "Ask for what its manifest names.")
        for problem in compare(self.path, recorded, filter(is_meant, self._present())):
            raise damage(self.path.parent / problem.path, f"is {problem.kind}: {problem.detail}")
        return self.path / name

    def _present(self) -> list[str]:
        """The files that a finished stage's manifest has to name."""
        return [name for name in disk.files_under(self.path) if name not in (MANIFEST, JOURNAL)]

    def _load(self) -> StageManifest | None:
        """The manifest on disk, or None where the stage was not begun. Raises ``DamageError``."""
        if (self.path / MANIFEST).exists():
            manifest = load_manifest(self.path, StageManifest)
            if manifest.stage != self.name:
                raise damage(self.path / MANIFEST, f"is that of {manifest.stage}")
            return manifest
        # The manifest is the first file that a stage writes: others without it mean that it was lost.
        if self.path.exists() and any(not disk.is_temporary(name) for name in disk.files_under(self.path)):
            raise damage(self.path / MANIFEST, "is missing")
        return None

    def _finished(self) -> StageManifest:
        manifest = self.manifest
        if not manifest.complete:
            raise RunError(f"{self.path} is not finished", "Run the same command again: it goes on where it stopped.")
        return manifest

    def _entries(self) -> Mapping[int, PartEntry]:
        if self._session is not None:
            return self._session.journal.entries
        found = self._load()
        if found is not None and found.complete:
            return {entry.index: entry for entry in found.parts}
        return Journal(self.path).entries

    def _writing(self) -> _Session:
        if self._session is None:
            raise InvariantError(f"{self.path} is not open for writing: call begin first")
        return self._session

    def _founded(self, fingerprint: Mapping[str, str]) -> StageManifest:
        """Makes the folder, with a manifest that says from what it is going to be computed."""
        manifest = StageManifest(self.name, dict(fingerprint))
        with disk.storage_errors(self.path):
            self.path.mkdir(exist_ok=True)
            disk.sync(self.path.parent)
        save_manifest(self.path, manifest)
        return manifest

    def _leftovers(self, journal: Journal) -> list[str]:
        """Temporary files and uncommitted parts of a killed process."""
        committed = {entry.file for entry in journal.entries.values()}
        names = [path.name for path in self.path.iterdir()]
        return [
            name for name in names if disk.is_temporary(name) or (PART_NAME.fullmatch(name) and name not in committed)
        ]

    def _remove(self, names: Sequence[str]) -> None:
        with disk.storage_errors(self.path):
            for name in names:
                (self.path / name).unlink(missing_ok=True)
            disk.sync(self.path)

    def _flushed_digest(self, name: str) -> str:
        """The digest of a file that someone else wrote, once it is on the disk."""
        disk.sync(self.path / name)
        disk.sync((self.path / name).parent)
        return digest_of_file(self.path / name)
