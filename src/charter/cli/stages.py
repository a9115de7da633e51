"""Each stage as a command on a run's folder: it computes that stage alone, by the recipe in the folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer

from charter.cli.boundary import resumable
from charter.cli.console import say
from charter.cli.options import RunFolder
from charter.cli.progress import watched
from charter.cli.stages_read import is_complete
from charter.cli.taken import open_job
from charter.errors import RunError
from charter.job import Job
from charter.pipeline import STAGES
from charter.stage_names import COMPARISONS, EVALUATION, LABELS, MATCHES, PREFERENCE, PROMPTS, REVISIONS, RL, SFT

COMMANDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "prompts": ((PROMPTS,), "Stage 1: gathers red-team and helpful prompts, and holds some out."),
    "revise": ((REVISIONS,), "Stage 2: the start answers, criticises itself by drawn principles, and revises."),
    "sft": ((SFT,), "Stage 3: fine-tunes the start on its revisions: the SL-CAI policy."),
    "compare": ((COMPARISONS,), "Stage 4: the SL-CAI policy answers each prompt twice."),
    "label": ((LABELS,), "Stage 5: the judge weighs both answers by a drawn principle."),
    "preference": ((PREFERENCE,), "Stage 6: trains the preference model on the judge's labels."),
    "rl": ((RL,), "Stage 7: trains the SL-CAI policy against the preference model: the RL-CAI policy."),
    "evaluate": ((EVALUATION, MATCHES), "Stage 8: every policy answers held-out prompts and meets the others."),
}
"""Which stages each command computes, and what it says of them."""


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    for name, (stages, said) in COMMANDS.items():
        app.command(name, help=_help(said), epilog=f"Example: charter {name} runs/mine", rich_help_panel="Stages")(
            _command(name, stages)
        )


def compute(path: Path, command: str, stages: Sequence[str]) -> None:
    """Computes stages of the run in a folder. Raises ``RunError`` that names the command to run first, if there is."""
    with resumable(), watched() as watcher:
        job = open_job(path, watcher)
        _require_inputs(job, command, stages[0])
        for stage in stages:
            STAGES[stage](job)
    order = [*COMMANDS, "report"]
    say(f"Next: charter {order[order.index(command) + 1]} {shlex.quote(str(path))}")


def command_of(stage: str) -> str:
    """The command that computes a stage."""
    return next(name for name, (stages, _) in COMMANDS.items() if stage in stages)


def _command(name: str, stages: Sequence[str]) -> Callable[[Path], None]:
    def command(run: RunFolder) -> None:
        compute(run, name, stages)

    return command


def _help(said: str) -> str:
    return f"{said}\n\nBy the recipe in the run's folder. What is complete is not computed again."


def _require_inputs(job: Job, command: str, stage: str) -> None:
    """Every stage rests on all before it, so the first that isn't complete is the one to compute."""
    for earlier in list(STAGES)[: list(STAGES).index(stage)]:
        found = job.run.stage(earlier)
        if not is_complete(found):
            raise RunError(
                f"{found.path} is not complete, and charter {command} needs it",
                f"Run first: charter {command_of(earlier)} {shlex.quote(str(job.run.path))}",
            )
