"""``charter world``: the small world, how well its model knows it, and the model made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Annotated, Any, get_args

import typer
from rich.console import RenderableType
from rich.table import Table as Grid

from charter.cli.boundary import resumable
from charter.cli.console import line, put, put_line, say
from charter.cli.options import AsJson
from charter.cli.progress import watched
from charter.cli.reading import shown_reading
from charter.cli.rendering import shown_rows
from charter.models.names import WORLD, model_folder
from charter.progress import Tell
from charter.seeds import derive_seed
from charter.world.critic import write_critique
from charter.world.grammar import answer_text
from charter.world.kinds import RequestKind
from charter.world.phrases import word_principle
from charter.world.prompts import draw_listed
from charter.world.reader import faults_of, read
from charter.world.requests import KIND_WEIGHTS
from charter.world.writer import HELPFUL_ONLY, revise, write_answer

app = typer.Typer(no_args_is_help=True, help="The small world: samples, its model's skills, its model made again.")

OfKind = Annotated[
    RequestKind | None, typer.Option("--kind", metavar="KIND", help=f"Only of one: {', '.join(get_args(RequestKind))}.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same.")]


@app.command(epilog="Example: charter world sample --kind harmful --limit 3")
def sample(
    kind: OfKind = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many requests.")] = 5,
    seed: Seed = 0,
) -> None:
    """Shows requests, each with a careless answer, what the reader says of it, a critique and a revision."""
    for number in range(1, limit + 1):
        put(_sampled(number, kind, Random(derive_seed(seed, "sample", number))))


@app.command(epilog="Example: charter world score --cases 200 --json")
def score(
    model: Annotated[str, typer.Option("--model", metavar="DIR", help="A model folder, or 'world'.")] = WORLD,
    cases: Annotated[int, typer.Option("--cases", min=1, metavar="N", help="Cases in each condition.")] = 200,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measures what a model can do in the small world, against the truth, on text that it has not seen.

    A critique counts if it names exactly the right faults, a revision if it removes exactly those and keeps the rest to
    the letter, a judgement if it chooses the better answer.
    """
    folder = model_folder(model)

    from charter.models.local import LocalModel
    from charter.world.skills import measure_skills

    found = measure_skills(LocalModel.load(folder), cases, seed)
    skills = {condition: asdict(measured) for condition, measured in found.items()}
    if as_json:
        put_line(json.dumps(skills, indent=2))
    else:
        put(_skills(skills))


@app.command(epilog="Example: charter world train --out world-model")
def train(
    out_folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="The model is written to DIR/model.")],
    seed: Seed = 0,
) -> None:
    """Makes the small world's model again, from nothing, and measures it: about an hour and a half on two cores.

    Stopped and started again, it goes on where it stopped.
    """
    from charter.world.train import train_world

    with resumable(), watched() as watcher:
        tells: list[Tell] = []

        def progress(step: int, total: int, metrics: Mapping[str, float]) -> None:
            if not tells:
                tells.append(watcher.begin("world", total, "steps"))
            tells[0](step, metrics)

        skills = train_world(out_folder, seed=seed, progress=progress)
    put(_skills(skills))
    say(f"Use it with: charter run --model {out_folder / 'model'}")


def _sampled(number: int, kind: RequestKind | None, rng: Random) -> RenderableType:
    """One request, and what the method does to a careless answer by a principle that bears on one of its faults."""
    drawn = kind or rng.choices(tuple(KIND_WEIGHTS), tuple(KIND_WEIGHTS.values()))[0]
    request = draw_listed(drawn, ("train",), rng)
    answer = write_answer(request, HELPFUL_ONLY, rng)
    faults = faults_of(request, answer)
    wording = word_principle((rng.choice(faults) if faults else "good",), rng)
    revised = answer_text(revise(request, answer, wording.scope, rng))
    return shown_rows(
        f"{number}. {drawn}, {request.topic.domain}",
        [
            ("request", request.text),
            ("answer", answer_text(answer)),
            ("reading", shown_reading(read(request.text, answer_text(answer)))),
            ("asked", wording.critique),
            ("critique", write_critique(request, answer, wording.scope, rng)),
            ("revision", revised),
            ("reading", shown_reading(read(request.text, revised))),
        ],
    )


def _skills(skills: Mapping[str, Any]) -> RenderableType:
    """A row a skill, a column a condition, in percent."""
    grid = Grid(box=None, pad_edge=False)
    grid.add_column("")
    for condition in skills:
        grid.add_column(line(condition.replace("_", " ")), justify="right")
    names = [name for name in next(iter(skills.values())) if name != "cases"]
    for name in names:
        grid.add_row(line(name.replace("_", " ")), *(f"{100 * found[name]:.1f}" for found in skills.values()))
    grid.add_row("cases", *(str(found["cases"]) for found in skills.values()))
    return grid
