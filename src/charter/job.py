"""What every stage of the pipeline needs: the run, its recipe and constitution, its models, and who watches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.constitution import dump_constitution, load_constitution
from charter.digests import digest_of
from charter.models.folder import ModelFolder
from charter.models.names import model_folder
from charter.progress import NobodyWatches, Tell, Watcher
from charter.recipe import Recipe
from charter.recipe_file import dump_recipe
from charter.records import Run, StageFolder
from charter.records.disk import write_durably
from charter.types import Constitution

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run needs none of it
    from charter.models.local import LocalModel
    from charter.training import TrainingJob

FIGURES = "figures.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage came to. ``figures`` are what isn't a count; they are written to the stage's ``figures.json``."""

    counts: Mapping[str, int]
    tokens: int
    files: Sequence[str] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Job:
    """One run under way."""

    run: Run
    recipe: Recipe
    constitution: Constitution
    watcher: Watcher = field(default_factory=NobodyWatches)
    _folders: dict[str, ModelFolder] = field(default_factory=dict[str, ModelFolder])
    _loaded: dict[str, LocalModel] = field(default_factory=dict)

    @classmethod
    def take_up(cls, recipe: Recipe, path: Path, watcher: Watcher) -> Job:
        """The run in ``path`` by this recipe, new or gone on with. Raises ``UserError``s of all sorts."""
        constitution = load_constitution(recipe.constitution)
        run = Run.take_up(path, dump_recipe(recipe), dump_constitution(constitution))
        return cls(run, recipe, constitution, watcher)

    @property
    def seed(self) -> int:
        return self.recipe.seed

    def stage(self, name: str, made_from: Mapping[str, Any], work: Callable[[StageFolder], Outcome]) -> StageFolder:
        """Computes a stage, goes on with it, or finds it complete. ``made_from`` is all that decides its result."""
        folder = self.run.stage(name)
        fingerprint = {"seed": digest_of(self.seed), **{key: _fingerprint(value) for key, value in made_from.items()}}
        if folder.begin(fingerprint) == "complete":
            self.watcher.end(name, folder.manifest, was_complete=True)
            return folder
        started = time.monotonic()
        outcome = work(folder)
        files = list(outcome.files)
        if outcome.figures:
            files.append(FIGURES)
            write_durably(folder.path / FIGURES, (json.dumps(outcome.figures, indent=2) + "\n").encode())
        folder.finish(outcome.counts, outcome.tokens, time.monotonic() - started, files)
        self.watcher.end(name, folder.manifest, was_complete=False)
        return folder

    def training(self, folder: StageFolder, unit: str = "steps") -> TrainingJob:
        """Where and for whom a stage trains."""
        from charter.training import TrainingJob

        tells: list[Tell] = []

        def progress(step: int, total: int, metrics: Mapping[str, float]) -> None:
            if not tells:
                tells.append(self.watcher.begin(folder.name, total, unit))
            tells[0](step, metrics)

        return TrainingJob(folder.path, self.seed, progress, self.recipe.training)

    @property
    def start(self) -> ModelFolder:
        """The helpful-only start's folder."""
        return self._folder(self.recipe.models.policy)

    @property
    def judge(self) -> ModelFolder:
        """The feedback model's folder."""
        return self._folder(self.recipe.models.judge or self.recipe.models.policy)

    def _folder(self, name: str) -> ModelFolder:
        """A model's folder, digested once: that takes a while for one of many gigabytes."""
        if name not in self._folders:
            self._folders[name] = model_folder(name)
        return self._folders[name]

    def trained(self, stage: str) -> ModelFolder | None:
        """The folder of the model that a stage trained, its files verified; None if it had nothing to learn from.

        Raises ``DamageError``.
        """
        folder = self.run.stage(stage)
        if "model/config.json" not in folder.manifest.files:
            return None
        return ModelFolder.check(folder.checked("model"))

    def load(self, folder: ModelFolder) -> LocalModel:
        """The model in a folder; one that is in memory already isn't loaded again."""
        from charter.models.local import LocalModel

        if folder.digest not in self._loaded:
            self._loaded[folder.digest] = LocalModel.load(folder.path)
        return self._loaded[folder.digest]


def _fingerprint(value: Any) -> str:
    if isinstance(value, (StageFolder, ModelFolder)):
        return value.digest
    if hasattr(value, "model_dump"):
        return digest_of(value.model_dump())
    return value if isinstance(value, str) and len(value) == 64 else digest_of(value)
