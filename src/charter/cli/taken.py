"""From what was typed to a recipe and its folder, and from a run's folder to the job that it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from charter.constitution import dump_constitution, load_constitution, shipped_constitutions
from charter.job import Job, constitution_of, recipe_of
from charter.models.names import WORLD, model_folder, named_model
from charter.progress import NobodyWatches, Watcher
from charter.recipe import Recipe, Server
from charter.recipe_file import dump_recipe, load_recipe
from charter.records import Run

RUNS = Path("runs")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What options say in place of the recipe, where they say anything."""

    sets: tuple[str, ...] = ()
    model: str | None = None
    prompts: str | None = None
    constitution: str | None = None


def take_recipe(path: Path | None, overrides: Overrides) -> Recipe:
    """The recipe to run. Files and folders in it are named in full, so that its run can be gone on with from anywhere.

    Raises ``RecipeError``.
    """
    recipe = load_recipe(path, overrides.sets)
    models, prompts = recipe.models, recipe.prompts
    constitution = recipe.constitution if overrides.constitution is None else overrides.constitution
    return recipe.model_copy(
        update={
            "models": models.model_copy(
                update={
                    "policy": _in_full(models.policy if overrides.model is None else overrides.model, WORLD),
                    "judge": _model_in_full(models.judge),
                    "critic": _model_in_full(models.critic),
                }
            ),
            "prompts": prompts.model_copy(
                update={"source": _in_full(prompts.source if overrides.prompts is None else overrides.prompts, WORLD)}
            ),
            "constitution": _in_full(constitution, *shipped_constitutions()),
            "memo": None if recipe.memo is None else str(Path(recipe.memo).resolve()),
        }
    )


def default_folder(recipe: Recipe) -> Path:
    """Where a run goes if nobody says: a name that is no path, whatever the recipe is called."""
    name = re.sub(r"[^\w.-]+", "-", recipe.name).strip(".-") or "run"
    return RUNS / f"{name}-seed{recipe.seed}"


def open_job(path: Path, watcher: Watcher | None = None) -> Job:
    """The run in a folder, to be gone on with by the recipe and the constitution that lie in it.

    Raises ``RunError`` if there is none, ``DamageError`` if either text was changed since.
    """
    found = Run.open(path)
    recipe_yaml, constitution_yaml = found.recipe_yaml, found.constitution_yaml
    run = Run.take_up(path, recipe_yaml, constitution_yaml)
    return Job(run, recipe_of(found), constitution_of(found), watcher or NobodyWatches())


def create_run(recipe: Recipe, path: Path) -> None:
    """A run's folder in which nothing is computed yet. Raises ``UserError``s: it checks what can be checked."""
    constitution = load_constitution(recipe.constitution)
    model_folder(recipe.models.policy)
    for model in (recipe.models.judge, recipe.models.critic):
        if model is not None:
            named_model(model)
    with Run.create(path, dump_recipe(recipe), dump_constitution(constitution)):
        pass


def _in_full(name: str, *names: str) -> str:
    """A path in full, if it leads somewhere; one of ``names`` isn't one."""
    return str(Path(name).resolve()) if name and name not in names and Path(name).exists() else name


def _model_in_full(model: str | Server | None) -> str | Server | None:
    """The same for a judge or critic. A server has at most a tokenizer's folder."""
    if isinstance(model, Server):
        return model.model_copy(update={"tokenizer": model.tokenizer and _in_full(model.tokenizer)})
    return model and _in_full(model, WORLD)
