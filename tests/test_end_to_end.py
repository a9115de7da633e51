"""The whole method, end to end: killed and resumed to the same bytes, done twice for nothing, on real prompts too."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from charter.records import Run, run_digest, verify
from charter.types import Answer, PreferenceLabel, RevisionChain
from tiny_models import make_tiny_model

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
DATA = ROOT / "../shared/data"
SMOKE = ["run", str(ROOT / "recipes/smoke.yaml")]


def charter(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "charter", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(charter(*arguments), capture_output=True, text=True, check=False, timeout=1800)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("smoke") / "run"
    started = time.monotonic()
    done = run(*SMOKE, "--out", str(out))
    assert done.returncode == 0, done.stderr
    print(f"smoke recipe: {time.monotonic() - started:.1f} s")
    return out


def test_a_finished_run_started_again_does_no_work_and_says_so_in_three_seconds(undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.is_file()}
    times: list[float] = []
    for _ in range(3):  # the machine is shared: the best of three is the program's own time
        started = time.monotonic()
        again = run(*SMOKE, "--out", str(undisturbed))
        times.append(time.monotonic() - started)
        assert again.returncode == 0, again.stderr
        assert "nothing to do" in (again.stdout + again.stderr).lower()
    assert min(times) < 3, times
    stages = {path: time_ns for path, time_ns in before.items() if path.parent != undisturbed}
    assert {path: path.stat().st_mtime_ns for path in stages} == stages


def test_killed_anywhere_and_started_again_a_run_ends_with_the_same_digest(undisturbed: Path, tmp_path: Path) -> None:
    rng = random.Random(0)
    out = tmp_path / "run"
    kills = 0
    for _ in range(12):
        process = subprocess.Popen(
            charter(*SMOKE, "--out", str(out)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, stderr = process.communicate(timeout=rng.uniform(4, 14))
            assert process.returncode == 0, stderr
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
    else:
        assert run(*SMOKE, "--out", str(out)).returncode == 0
    assert kills >= 2
    assert verify(Run.open(out)) == []
    assert run_digest(Run.open(out)) == run_digest(Run.open(undisturbed))


def test_in_several_processes_and_killed_once_a_run_comes_to_the_same(undisturbed: Path, tmp_path: Path) -> None:
    command = charter(*SMOKE, "--out", str(tmp_path / "run"), "--set", "execution.workers=2")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=12)
    process.kill()  # it alone: its processes have to notice
    process.wait()
    assert subprocess.run(command, capture_output=True, check=False, timeout=1800).returncode == 0
    assert run_digest(Run.open(tmp_path / "run")) == run_digest(Run.open(undisturbed))


def test_every_part_of_a_finished_run_can_be_shown_and_verified(undisturbed: Path) -> None:
    assert run("verify", str(undisturbed)).returncode == 0
    table = json.loads(run("table", str(undisturbed), "--json").stdout)
    assert set(table) == {"helpful_only", "sl_cai", "rl_cai", "revision_0", "revision_1", "revision_2"}
    assert set(table["rl_cai"]["on_grammar"]) == {"mean", "low", "high"}
    for stage in range(1, 9):
        assert run("show", str(undisturbed), str(stage), "--limit", "1").returncode == 0
    answer = next(Run.open(undisturbed).stage("8-evaluation").read(Answer))
    assert run("why", str(undisturbed), answer.id).returncode == 0
    assert (undisturbed / "report.html").stat().st_size > 10_000


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not beside the project")
@pytest.mark.parametrize(("family", "min_usable_mass"), [("llama", 0.0), ("qwen3", 0.0), ("gemma3", 0.5)])
def test_real_prompts_run_through_every_stage_with_the_papers_constitution(
    family: str, min_usable_mass: float, tmp_path: Path
) -> None:
    """A random model's verdicts carry next to no mass: taken all the same where 0 is enough, else no labels at all."""
    model, out = tmp_path / "model", tmp_path / "run"
    make_tiny_model(family, model)
    small = {
        "prompts.red_team": 24, "prompts.helpful": 0, "prompts.evaluation": 8,
        "revision.rounds": 2, "revision.max_tokens": 16, "revision.few_shot": 0, "revision.part_size": 8,
        "comparisons.pairs": 24, "comparisons.max_tokens": 16, "feedback.few_shot": 0,
        "feedback.min_usable_mass": min_usable_mass,
        "rl.steps": 2, "rl.prompts_per_step": 4, "rl.samples_per_prompt": 2, "rl.max_tokens": 16,
        "evaluation.max_tokens": 16, "evaluation.elo_prompts": 4, "evaluation.bootstrap": 20,
    }  # fmt: skip
    done = run(
        "run", str(ROOT / "recipes/hh.yaml"), "--out", str(out), "--model", str(model),
        "--prompts", str(DATA / "hh-rlhf/harmless-base-test-half.jsonl.gz"),
        "--constitution", str(DATA / "cai-paper/prompts"),
        *(part for name, value in small.items() for part in ("--set", f"{name}={value}")),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    finished = Run.open(out)
    assert verify(finished) == []
    chains = list(finished.stage("2-revisions").read(RevisionChain))
    assert len(chains) == 24
    assert any(len(chain.prompt.conversation.messages) > 1 for chain in chains)
    labels = list(finished.stage("5-labels").read(PreferenceLabel))
    assert len(labels) == 24
    for label in labels:
        assert (label.p_a is None) == (label.state in ("failed", "abstained"))
    counts = finished.stage("5-labels").manifest.counts
    assert (counts["abstained"] == 24) == (min_usable_mass > 0)
    trained = "model/config.json" in finished.stage("7-rl").manifest.files
    assert trained == (min_usable_mass == 0)
    table = json.loads(run("table", str(out), "--json").stdout)
    assert set(table) >= {"helpful_only", "sl_cai", "revision_2"} | ({"rl_cai"} if trained else set())
    assert counts["labelled"] + counts["tied"] + counts["abstained"] + counts["failed"] == 24
