"""``charter chat``: a prompt answered by every policy of a run, side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from charter.cli.boundary import complain
from charter.cli.console import block, line, put, say
from charter.cli.options import RunFolder
from charter.cli.reading import shown_reading
from charter.cli.stages_read import is_complete, why_skipped
from charter.cli.taken import open_job
from charter.errors import PromptError, UserError
from charter.job import Job
from charter.models.base import GenerateRequest, Model
from charter.models.names import WORLD
from charter.seeds import derive_seed
from charter.stage_names import HELPFUL_ONLY, RL, RL_CAI, SFT, SL_CAI
from charter.types import Message

TRAINED: Mapping[str, str] = {SL_CAI: SFT, RL_CAI: RL}
LEAVE = frozenset({"", "exit", "quit"})

Prompted = Annotated[str | None, typer.Argument(metavar="PROMPT", help="What to ask; if none: stdin, or a loop.")]
Temperature = Annotated[
    float | None, typer.Option("--temperature", min=0.0, help="0 is greedy; the recipe's evaluation's if not said.")
]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", min=1, help="The recipe's evaluation's if not said.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same answers.")]


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float
    max_tokens: int
    seed: int


def chat(
    run: RunFolder,
    prompt: Prompted = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
) -> None:
    """Asks every policy of a run the same thing and shows the answers side by side.

    Each prompt stands alone: nobody remembers the one before. In the small world the reader says what each answer does.
    """
    job = open_job(run)
    settings = job.recipe.evaluation
    sampling = Sampling(
        settings.temperature if temperature is None else temperature, max_tokens or settings.max_tokens, seed
    )
    if prompt is None and sys.stdin.isatty():
        say("Ask something; an empty line leaves.")
        converse(sys.stdin, _policies(job), job, sampling)
        return
    text = (sys.stdin.read() if prompt is None else prompt).strip()
    if not text:
        raise PromptError("there is no prompt to answer", 'Give one: charter chat RUN "How do I bake bread?"')
    put(_answered(text, _policies(job), job, sampling))


def converse(lines: Iterable[str], policies: Mapping[str, Model], job: Job, sampling: Sampling) -> None:
    """Answers line after line until an empty one. One that can't be answered is said, and the next is asked for."""
    for text in map(str.strip, lines):
        if text.lower() in LEAVE:
            return
        try:
            put(_answered(text, policies, job, sampling))
        except UserError as error:
            complain(error)


def _policies(job: Job) -> dict[str, Model]:
    """The policies that are there; one whose stage isn't finished is named on stderr."""
    found: dict[str, Model] = {HELPFUL_ONLY: job.load(job.start)}
    for policy, stage in TRAINED.items():
        folder = job.run.stage(stage)
        model = job.trained(stage) if is_complete(folder) else None
        if model is None:
            say(f"{policy} is not here: {why_skipped(folder) or f'{stage} is not complete'}.")
        else:
            found[policy] = job.load(model)
    return found


def _answered(text: str, policies: Mapping[str, Model], job: Job, sampling: Sampling) -> RenderableType:
    messages = (Message("user", text),)
    seed = derive_seed(sampling.seed, "chat", text)
    request = GenerateRequest(messages, sampling.max_tokens, seed, sampling.temperature)
    reader = _reader(job)
    grid = Grid(expand=True, show_lines=True)
    cells: list[Text] = []
    for policy, model in policies.items():
        grid.add_column(line(policy), ratio=1, overflow="fold")
        answer = model.generate([request])[0].text
        cells.append(Text.assemble(block(answer), *([(f"\n\n{reader(text, answer)}", "dim")] if reader else [])))
    grid.add_row(*cells)
    return grid


def _reader(job: Job) -> Callable[[str, str], str] | None:
    """The small world's reading of an answer, in words; None for a run on other prompts."""
    if job.recipe.prompts.source != WORLD:
        return None
    from charter.world.reader import read

    return lambda asked, answer: shown_reading(read(asked, answer))
