"""``charter table``: what the run came to, or the mean of several runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from charter.cli.across import across_runs, read_table
from charter.cli.console import put, put_line, say
from charter.cli.options import AsJson
from charter.cli.tabulate import rendered_table
from charter.evaluate import table_to_json
from charter.job import recipe_of
from charter.models.names import WORLD
from charter.recipe import Recipe
from charter.records import Run
from charter.world.targets import TARGETS

RunFolders = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="One run's folder, or those of several seeds of one recipe.")
]


def table(runs: RunFolders, as_json: AsJson = False) -> None:
    """Shows the table of policies and metrics: shares with 95 % intervals, and Elo from the judge.

    Of several runs it shows the mean, with Student's 95 % interval over runs. The JSON reads
    {policy: {metric: {"mean": x, "low": x, "high": x}}}.
    """
    found = [Run.open(path) for path in runs]
    whole = across_runs([read_table(run) for run in found])
    if as_json:
        put_line(json.dumps(table_to_json(whole), indent=2))
        return
    recipes = [recipe_of(run) for run in found]
    in_world = all(recipe.prompts.source == recipe.models.policy == WORLD for recipe in recipes)
    put(rendered_table(whole, _title(recipes), TARGETS if in_world else ()))
    if len({_apart_from_seed(recipe) for recipe in recipes}) > 1:
        say("These runs differ in more than their seeds: see the recipe.yaml in each.")
    if len({recipe.seed for recipe in recipes}) < len(recipes):
        say("Some of these runs have the same seed: the interval is too narrow.")


def _title(recipes: list[Recipe]) -> str:
    names = ", ".join(dict.fromkeys(recipe.name for recipe in recipes))
    seeds = ", ".join(str(recipe.seed) for recipe in recipes)
    return f"{names}: mean over {len(recipes)} runs, seeds {seeds}" if len(recipes) > 1 else f"{names}, seed {seeds}"


def _apart_from_seed(recipe: Recipe) -> str:
    return recipe.model_dump_json(exclude={"name", "seed", "execution"})
