"""``charter run`` and ``charter init``: the whole method by a recipe, or its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charter import pipeline
from charter.cli.across import read_table
from charter.cli.boundary import resumable
from charter.cli.console import put, put_line, say
from charter.cli.options import ConstitutionOption, ModelOption, PromptsOption, RecipeFile, Settings
from charter.cli.progress import watched
from charter.cli.reporting import current_report
from charter.cli.stages_read import why_skipped
from charter.cli.tabulate import rendered_costs, rendered_table
from charter.cli.taken import Overrides, create_run, default_folder, take_recipe
from charter.recipe import Recipe
from charter.records import Run

OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The run's folder; runs/NAME-seedSEED if none is given.")
]


def run(
    recipe: RecipeFile = None,
    out_folder: OutFolder = None,
    sets: Settings = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
    constitution: ConstitutionOption = None,
) -> None:
    """Runs the whole method, from prompts to the report, or goes on with a run that was stopped.

    What is complete is not computed again: a finished run says so at once.
    """
    taken = take_recipe(recipe, Overrides(tuple(sets or ()), model, prompts, constitution))
    path = out_folder or default_folder(taken)
    say(f"{taken.name}, seed {taken.seed} -> {path}")
    with resumable(), watched() as watcher:
        found = pipeline.run(taken, path, watcher)
    if not watcher.computed:
        say(f"Nothing to do: {path} was complete.")
    _show_result(taken, found)


def init(
    recipe: RecipeFile = None,
    out_folder: OutFolder = None,
    sets: Settings = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
    constitution: ConstitutionOption = None,
) -> None:
    """Makes a run's folder without computing anything, for the commands that compute one stage each."""
    taken = take_recipe(recipe, Overrides(tuple(sets or ()), model, prompts, constitution))
    path = out_folder or default_folder(taken)
    create_run(taken, path)
    put_line(f"{path} is ready. Begin with: charter prompts {path}")


def _show_result(recipe: Recipe, found: Run) -> None:
    put(rendered_table(read_table(found), f"{recipe.name}, seed {recipe.seed}"))
    put_line("")
    put(rendered_costs([stage.manifest for stage in found.stages()]))
    for stage in found.stages():
        skipped = why_skipped(stage)
        if skipped:
            put_line(f"\n{stage.name} had nothing to do: {skipped}.")
    put_line(f"\nReport: {current_report(found)}")
