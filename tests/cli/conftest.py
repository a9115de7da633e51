"""A whole run on a small random model, made once, through the command line; and a way to call it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from charter.cli import app
from tiny_models import make_tiny_model

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


@pytest.fixture
def call() -> Call:
    return call_charter


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model("llama", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def finished_run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Called]:
    """The run, which is not to be changed, and what making it printed."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    return path, call_charter("run", "--out", path, "--model", tiny_model, *SETS)


@pytest.fixture(scope="session")
def run_path(finished_run: tuple[Path, Called]) -> Path:
    return finished_run[0]


@pytest.fixture
def own_run(run_path: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to change."""
    yield Path(shutil.copytree(run_path, tmp_path / "run"))
