"""A whole run on a small random model, made once, through the command line; and a way to call it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import SETS, Call, Called, call_charter

from tiny_models import make_tiny_model


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
