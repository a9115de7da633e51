"""A run's folder: the two texts that it is computed by, its manifest, and a folder a stage."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType

import yaml

from charter import __version__
from charter.digests import digest_of_file
from charter.errors import RunError
from charter.recipe import Recipe
from charter.records.disk import digest_of_bytes, is_temporary, storage_errors, sync, write_durably
from charter.records.lock import LOCK, RunLock
from charter.records.manifest import MANIFEST, RunManifest, load_manifest, save_manifest
from charter.records.sealed import damage
from charter.records.stage import StageFolder

RECIPE, CONSTITUTION = "recipe.yaml", "constitution.yaml"
STAGE_NAME = re.compile(r"(\d+)-[a-z0-9_-]+")


class Run:
    """A run on disk. Reading needs no lock; the first stage that is begun makes this process the run's one writer.

    As a context manager it gives the lock back at the end of the block; otherwise that happens when nothing refers to
    the run or its stages any more, or when the process ends.
    """

    def __init__(self, path: Path, texts: dict[str, str] | None = None) -> None:
        """For ``create``, ``take_up`` and ``open``. ``texts`` are what this process computes by, by file name."""
        self.path = path
        self._texts = texts
        self._lock = RunLock(path)

    @classmethod
    def create(cls, path: Path, recipe_yaml: str, constitution_yaml: str) -> Run:
        """A new run in a folder that is empty or not there yet. ``recipe_yaml`` is a valid recipe.

        Raises ``RunError`` if the folder already holds a run or anything else, ``StorageError``.
        """
        if (path / MANIFEST).exists():
            raise RunError(f"{path} already holds a run", "Use another --out.")
        return cls.take_up(path, recipe_yaml, constitution_yaml)

    @classmethod
    def take_up(cls, path: Path, recipe_yaml: str, constitution_yaml: str) -> Run:
        """The run in ``path``, to be computed by these texts, or a new one where there is none.

        Other texts than before are no error by themselves: each stage's fingerprint decides whether it still stands.
        They are written down when the first stage is computed by them; until then the folder says what made it.
        Raises ``RunError`` if the folder holds anything else or another process is creating it, ``DamageError``,
        ``StorageError``.
        """
        run = cls(path, {RECIPE: recipe_yaml, CONSTITUTION: constitution_yaml})
        if (path / MANIFEST).exists():
            load_manifest(path, RunManifest)
            return run
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            sync(path.parent)
        foreign = [file.name for file in path.iterdir() if not _is_of_creation(file.name)]
        if foreign:
            raise RunError(
                f"{path} holds no run, but other files: {', '.join(sorted(foreign)[:5])}", "Use another --out."
            )
        run._become_writer()
        run._settle()
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run in ``path``, as it is.

        Raises ``RunError`` if there is none or a newer version wrote it, ``DamageError``.
        """
        if not (path / MANIFEST).is_file():
            raise RunError(f"{path} holds no run", "Give the folder that `charter run` wrote.")
        load_manifest(path, RunManifest)
        return cls(path)

    @property
    def manifest(self) -> RunManifest:
        """The manifest on disk. Raises ``DamageError``."""
        return load_manifest(self.path, RunManifest)

    @property
    def recipe_yaml(self) -> str:
        """The recipe as it was written. Raises ``DamageError`` if the file was changed since."""
        return self._checked_text(RECIPE, self.manifest.recipe)

    @property
    def constitution_yaml(self) -> str:
        """The constitution as it was written. Raises ``DamageError`` if the file was changed since."""
        return self._checked_text(CONSTITUTION, self.manifest.constitution)

    def stage(self, name: str) -> StageFolder:
        """A stage's folder, named like ``2-revisions``, there or not yet. Raises ``RunError`` for another name."""
        if not STAGE_NAME.fullmatch(name):
            raise RunError(f"{name!r} names no stage", "A stage is named like 2-revisions.")
        return StageFolder(self.path / name, self._become_writer, self._settle)

    def stages(self) -> list[StageFolder]:
        """The stages that are there, in the method's order, begun or finished."""
        found = [(STAGE_NAME.fullmatch(path.name), path) for path in self.path.iterdir() if path.is_dir()]
        numbered = sorted((int(match[1]), path.name) for match, path in found if match)
        return [self.stage(name) for _, name in numbered]

    def close(self) -> None:
        """Lets other processes write."""
        self._lock.release()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _become_writer(self) -> None:
        self._lock.acquire()

    def _settle(self) -> None:
        """Writes the texts that this process computes by, where they aren't those on disk; the manifest comes last."""
        if self._texts is None:
            return
        digests = {name: digest_of_bytes(text.encode()) for name, text in self._texts.items()}
        seed = Recipe.model_validate(yaml.safe_load(self._texts[RECIPE]) or {}).seed
        manifest = RunManifest(__version__, digests[RECIPE], digests[CONSTITUTION], seed)
        for name, text in self._texts.items():
            path = self.path / name
            if not path.is_file() or digest_of_file(path) != digests[name]:
                write_durably(path, text.encode())
        if not (self.path / MANIFEST).exists() or self.manifest != manifest:
            save_manifest(self.path, manifest)

    def _checked_text(self, name: str, digest: str) -> str:
        path = self.path / name
        if not path.is_file():
            raise damage(path, "is missing")
        data = path.read_bytes()
        if digest_of_bytes(data) != digest:
            raise damage(path, "was changed after it was written")
        return data.decode()


def _is_of_creation(name: str) -> bool:
    """Whether a folder without a manifest may hold this file because creating the run was interrupted."""
    return name in (RECIPE, CONSTITUTION, LOCK) or is_temporary(name)
