"""What every stage of the pipeline needs: the run, its recipe and constitution, its models, and who watches."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.constitution import dump_constitution, load_constitution, read_constitution
from charter.digests import digest_of
from charter.errors import ConstitutionError
from charter.execution import choose_executor
from charter.executor import Executor
from charter.models.folder import ModelFolder
from charter.models.names import model_folder, named_model
from charter.models.server.named import ServedModel
from charter.progress import NobodyWatches, Tell, Watcher
from charter.recipe import Recipe
from charter.recipe_file import dump_recipe, parse_recipe
from charter.records import Run, StageFolder
from charter.records.disk import write_durably
from charter.records.manifest import MANIFEST
from charter.records.run import CONSTITUTION, RECIPE
from charter.types import Constitution
from charter.yaml_file import parse_document

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run needs none of it
    from charter.models.base import Model
    from charter.models.server import Shared
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
    _loaded: dict[str, Model] = field(default_factory=dict)
    _shared: Shared | None = None
    _executor: Executor | None = None

    @classmethod
    def take_up(cls, recipe: Recipe, path: Path, watcher: Watcher) -> Job:
        """The run in ``path`` by this recipe, new or gone on with. Raises ``UserError``s of all sorts."""
        constitution = load_constitution(recipe.constitution)
        run = Run.take_up(path, dump_recipe(recipe), dump_constitution(constitution))
        return cls(run, recipe, constitution, watcher)

    @property
    def seed(self) -> int:
        return self.recipe.seed

    @classmethod
    def reopen(cls, path: Path) -> Job:
        """The run in ``path`` for a process that computes a part of it and writes nothing. Raises ``RunError``."""
        run = Run.open(path)
        return cls(run, recipe_of(run), constitution_of(run))

    @property
    def executor(self) -> Executor:
        """Where parts are computed, by the recipe and by what the models are."""
        if self._executor is None:
            used = [model for model in (self.start, self.judge, self.critic) if model is not None]
            self._executor = choose_executor(self.recipe.execution, used)
        return self._executor

    def stage(self, name: str, made_from: Mapping[str, Any], work: Callable[[StageFolder], Outcome]) -> StageFolder:
        """Computes a stage, goes on with it, or finds it complete. ``made_from`` is all that decides its result."""
        folder = self.run.stage(name)
        if not self.is_complete(name):
            self._reach(made_from.values())  # one that can't be used leaves no trace of a stage that it was to make
        fingerprint = {"seed": digest_of(self.seed), **{key: _fingerprint(value) for key, value in made_from.items()}}
        if folder.begin(fingerprint) == "complete":
            self.watcher.end(name, folder.manifest, was_complete=True)
            return folder
        started = time.monotonic()
        outcome = work(folder)
        if "torch" in sys.modules:
            from charter.models.memory import release_memory

            release_memory()
        files = list(outcome.files)
        if outcome.figures:
            files.append(FIGURES)
            write_durably(folder.path / FIGURES, (json.dumps(outcome.figures, indent=2) + "\n").encode())
        folder.finish(outcome.counts, outcome.tokens, time.monotonic() - started, files)
        self.watcher.end(name, folder.manifest, was_complete=False)
        return folder

    def is_complete(self, name: str) -> bool:
        """Whether a stage is finished, whatever it was made from. Raises ``DamageError``."""
        folder = self.run.stage(name)
        return (folder.path / MANIFEST).exists() and folder.manifest.complete

    def reach_servers(self) -> None:
        """Looks whether all servers of the recipe can be used, so that no stage is computed in vain.

        Raises ``ServerError``, ``BudgetError``.
        """
        self._reach([self.judge, self.critic])

    def _reach(self, models: Iterable[Any]) -> None:
        for model in models:
            if isinstance(model, ServedModel):
                self.load(model)

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
    def judge(self) -> ModelFolder | ServedModel:
        """The feedback model."""
        named = self.recipe.models.judge or self.recipe.models.policy
        return self._folder(named) if isinstance(named, str) else named_model(named)

    @property
    def critic(self) -> ModelFolder | ServedModel | None:
        """Who criticises and revises, if that isn't the start itself."""
        named = self.recipe.models.critic
        return self._folder(named) if isinstance(named, str) else named and named_model(named)

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

    def load(self, model: ModelFolder | ServedModel) -> Model:
        """The model in a folder, or at a server; one that was loaded before isn't loaded again.

        Raises ``ServerError`` for a server that can't be used, ``BudgetError`` if it may not be asked anything more.
        """
        if model.digest not in self._loaded:
            self._loaded[model.digest] = self._opened(model)
        return self._loaded[model.digest]

    def _opened(self, model: ModelFolder | ServedModel) -> Model:
        if isinstance(model, ModelFolder):
            from charter.models.local import LocalModel

            return LocalModel.load(model)
        from charter.models.memo import MEMO, Memo
        from charter.models.server import open_served, share

        if self._shared is None:
            self._shared = share(self.run.path, self.recipe.limits, self.recipe.budget)
        memo = Memo(Path(self.recipe.memo) if self.recipe.memo else self.run.path / MEMO)
        return open_served(model, self._shared, memo, self.seed, self.watcher.note)


def recipe_of(run: Run) -> Recipe:
    """The recipe in a run's folder. Raises ``DamageError`` if it was changed since."""
    return parse_recipe(run.recipe_yaml, str(run.path / RECIPE))


def constitution_of(run: Run) -> Constitution:
    """The constitution in a run's folder. Raises ``DamageError`` if it was changed since."""
    name = str(run.path / CONSTITUTION)
    return read_constitution(parse_document(run.constitution_yaml, name, ConstitutionError))[0]


def made_by(part: str, model: ModelFolder | ServedModel) -> dict[str, Any]:
    """What a stage that uses a model is made from, under its part in the recipe such as ``models.judge``."""
    if isinstance(model, ModelFolder):
        return {part: model}
    return {part: model, f"{part}.use": model.use}


def _fingerprint(value: Any) -> str:
    if isinstance(value, (StageFolder, ModelFolder, ServedModel)):
        return value.digest
    if hasattr(value, "model_dump"):
        return digest_of(value.model_dump())
    return value if isinstance(value, str) and len(value) == 64 else digest_of(value)
