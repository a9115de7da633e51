"""What a stage and a run say of themselves: ``manifest.json`` in either's folder, sealed.

A stage's manifest is written twice: when the stage begins, with its fingerprint, and when it is finished, with the
digests of all that it made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from charter.digests import digest_of
from charter.errors import FingerprintError
from charter.records.disk import write_durably
from charter.records.parts import PartEntry
from charter.records.sealed import damage, seal, unseal

T = TypeVar("T")
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class StageManifest:
    """A stage: what it was made from, what it made, what it cost.

    ``fingerprint`` maps the name of each input (records, recipe section, constitution, model, template) to its digest.
    ``files`` maps the paths of files other than parts, relative to the stage's folder, to theirs. ``seconds`` counts
    all sessions that led here, but of an interrupted one only what it committed; ``tokens`` and ``counts`` are the
    stage's own.
    """

    stage: str
    fingerprint: dict[str, str]
    parts: tuple[PartEntry, ...] = ()
    files: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    tokens: int = 0
    seconds: float = 0.0
    complete: bool = False

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a file outside the stage's folder: a manifest may come from a stranger."""
        outside = [name for name in self.files if name.startswith("/") or ".." in name.split("/")]
        if outside:
            raise ValueError(f"files outside the stage's folder: {outside}")

    @property
    def digest(self) -> str:
        """One digest for what the stage was made from and all that it made; how long it took has no part in it."""
        parts = [(entry.index, entry.rows, entry.digest) for entry in self.parts]
        return digest_of([self.stage, self.fingerprint, parts, self.files, self.counts, self.tokens])

    def recorded_files(self) -> dict[str, str]:
        """Every file that belongs to the finished stage, parts among them, with its digest."""
        return {entry.file: entry.digest for entry in self.parts if entry.rows} | self.files


@dataclass(frozen=True, slots=True)
class RunManifest:
    """A run: the version of Charter that last computed in it, and the digests of the two texts it computed by."""

    charter: str
    recipe: str
    constitution: str
    seed: int


def save_manifest(folder: Path, manifest: StageManifest | RunManifest) -> None:
    """Raises ``StorageError``."""
    write_durably(folder / MANIFEST, seal(asdict(manifest), indent=2))


def load_manifest(folder: Path, kind: type[T]) -> T:
    """Reads a manifest that is there. Raises ``DamageError``, or ``RunError`` for that of a newer version."""
    path = folder / MANIFEST
    document = unseal(path.read_bytes(), path)
    try:
        return _adapter(kind).validate_python(document)
    except ValidationError as error:
        raise damage(path, "does not hold what a manifest holds") from error


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def check_fingerprint(folder: Path, recorded: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raises ``FingerprintError``, naming the inputs that differ, unless the two are the same."""
    changes = [
        f"{name} {_change(recorded.get(name), now.get(name))}"
        for name in sorted({*recorded, *now})
        if recorded.get(name) != now.get(name)
    ]
    if changes:
        raise FingerprintError(
            f"{folder} was made from something else: {', '.join(changes)}",
            f"Start a new run with another --out; or remove {folder} and the folders of the stages after it, and run "
            "again; or go back to the inputs that it was made from.",
        )


def _change(before: Any, after: Any) -> str:
    if before is None:
        return "is new"
    return "is no longer there" if after is None else "changed"
