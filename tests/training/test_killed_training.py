"""Killed with SIGKILL anywhere and started again, a training run ends with the bytes of an undisturbed one."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
from toy_training import STEPS, count_upwards

from charter.training.optimisers import Method
from killable import run


def outcome(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "weights.bin").read_bytes(), (folder / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("method", ["adamw", "muon"])
def test_killed_after_any_step_it_ends_as_if_undisturbed(tmp_path: Path, method: Method) -> None:
    assert run(count_upwards, tmp_path / "undisturbed", None, method) == 0
    for die_at in (1, 6, STEPS):
        folder = tmp_path / f"killed-{die_at}"
        assert run(count_upwards, folder, die_at, method) == -signal.SIGKILL
        assert run(count_upwards, folder, None, method) == 0
        assert outcome(folder) == outcome(tmp_path / "undisturbed")


def test_killed_at_random_moments_again_and_again_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    assert run(count_upwards, tmp_path / "warm") == 0
    started = time.monotonic()
    assert run(count_upwards, tmp_path / "undisturbed") == 0
    usual_seconds = time.monotonic() - started
    draw = random.Random(0)
    for _ in range(6):
        run(count_upwards, tmp_path / "killed", for_seconds=draw.uniform(0.2, 0.9) * usual_seconds)
    assert run(count_upwards, tmp_path / "killed") == 0
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "undisturbed")
