"""Killed with SIGKILL anywhere and started again, a training run ends with the bytes of an undisturbed one."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
from toy_training import STEPS, count_upwards

from charter.training.optimisers import Method

# A fork server imports torch once, in a process that has run nothing; each training run is then a fork of it.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["charter.training.loop", "transformers.models.llama.modeling_llama"])


def run(folder: Path, die_at: int | None = None, method: Method = "adamw") -> int | None:
    process = SERVER.Process(target=count_upwards, args=(folder, die_at), kwargs={"method": method})
    process.start()
    process.join()
    return process.exitcode


def run_and_kill(folder: Path, after_seconds: float) -> int | None:
    process = SERVER.Process(target=count_upwards, args=(folder,))
    process.start()
    assert process.pid is not None
    process.join(after_seconds)
    if process.exitcode is None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode


def outcome(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "weights.bin").read_bytes(), (folder / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("method", ["adamw", "muon"])
def test_killed_after_any_step_it_ends_as_if_undisturbed(tmp_path: Path, method: Method) -> None:
    assert run(tmp_path / "undisturbed", method=method) == 0
    for die_at in (1, 6, STEPS):
        folder = tmp_path / f"killed-{die_at}"
        assert run(folder, die_at, method) == -signal.SIGKILL
        assert run(folder, method=method) == 0
        assert outcome(folder) == outcome(tmp_path / "undisturbed")


def test_killed_at_random_moments_again_and_again_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    started = time.monotonic()
    assert run(tmp_path / "undisturbed") == 0
    usual_seconds = time.monotonic() - started
    draw = random.Random(0)
    kills = 0
    while run_and_kill(tmp_path / "killed", draw.uniform(0.2, 0.9) * usual_seconds) != 0 and kills < 8:
        kills += 1
    assert run(tmp_path / "killed") == 0
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "undisturbed")
