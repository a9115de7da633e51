"""A way to call the command line in this process, and the settings of a run that is as small as it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from typer.testing import CliRunner

from charter.cli import app

SETTINGS = {
    "name": "tiny",
    "prompts.red_team": 3,
    "prompts.helpful": 2,
    "prompts.evaluation": 4,
    "revision.rounds": 1,
    "revision.max_tokens": 6,
    "revision.helpful_samples": 1,
    "sft.drop_flawed": "false",
    "comparisons.pairs": 5,
    "comparisons.max_tokens": 6,
    "feedback.min_usable_mass": 0,
    "preference.epochs": 1,
    "preference.held_out": 0.4,
    "rl.steps": 2,
    "rl.prompts_per_step": 2,
    "rl.samples_per_prompt": 2,
    "rl.max_tokens": 6,
    "rl.max_kl": 10000,
    "evaluation.max_tokens": 6,
    "evaluation.elo_prompts": 2,
    "evaluation.bootstrap": 5,
}
SETS = [argument for name, value in SETTINGS.items() for argument in ("--set", f"{name}={value}")]


@dataclass(frozen=True, slots=True)
class Called:
    """What a command came to."""

    code: int
    stdout: str
    stderr: str


Call = Callable[..., Called]


def call_charter(*arguments: object, typed: str | None = None) -> Called:
    """Calls the command line. An exception that it lets through is raised here: no command may end in a traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed, catch_exceptions=False)
    return Called(result.exit_code, result.stdout, result.stderr)
