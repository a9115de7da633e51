from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from toy_reinforcement import PROMPTS, SETTINGS, LikesPlainWords, policy_of_two_minds, reinforce_in

from charter.errors import TrainingError
from charter.models.base import Model
from charter.models.local import LocalModel
from charter.recipe import Lora, Training
from charter.rl import Observer, reinforce
from charter.rl.rollouts import prompts_of_step
from charter.training import TrainingJob
from charter.types import Conversation, Prompt, Rollout
from killable import run


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return policy_of_two_minds(tmp_path_factory.mktemp("models"))


def rows_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_the_policy_learns_to_please_the_scorer_and_moves_from_its_start(start: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"steps": 12})
    found = reinforce(start, LikesPlainWords(), PROMPTS, settings, TrainingJob(tmp_path, seed=0))
    rows = rows_of(tmp_path)
    assert rows[0]["score"] < 0.8 and rows[-1]["score"] > 0.9
    assert rows[0]["kl"] == 0.0 < rows[-1]["kl"]
    assert found["steps"] == 12 and found["stopped"] == "" and found["answers"] == 12 * 16
    LocalModel.load(tmp_path / "model")


def test_rollouts_say_what_each_answer_earned(start: Path, tmp_path: Path) -> None:
    seen: list[Sequence[Rollout]] = []
    observer = Observer(record=lambda _step, rollouts: seen.append(rollouts))
    reinforce(start, LikesPlainWords(), PROMPTS, SETTINGS, TrainingJob(tmp_path, seed=0), observer)
    assert len(seen) == SETTINGS.steps
    for rollouts in seen:
        assert len({rollout.id for rollout in rollouts}) == 16
        for group in (rollouts[i : i + 4] for i in range(0, 16, 4)):
            assert len({rollout.prompt.id for rollout in group}) == 1
            assert sum(rollout.advantage for rollout in group) == pytest.approx(0, abs=1e-4)
        for one in rollouts:
            assert one.score == float("plain" in one.completion.text)
            if one.completion.stop == "end":
                assert one.reward == pytest.approx(one.score - SETTINGS.kl_weight * one.kl, abs=1e-4)


def test_what_the_watcher_sees_stands_beside_the_reward(start: Path, tmp_path: Path) -> None:
    def watch(step: int, policy: Model, rollouts: Sequence[Rollout]) -> Mapping[str, float]:
        assert policy.digest == rollouts[0].completion.model
        return {"truth": step + 0.5}

    reinforce(start, LikesPlainWords(), PROMPTS, SETTINGS, TrainingJob(tmp_path, seed=0), Observer(watch=watch))
    assert [row["truth"] for row in rows_of(tmp_path)] == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_it_stops_once_the_policy_is_too_far_from_its_start(start: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"max_kl": 0.05, "steps": 20})
    found = reinforce(start, LikesPlainWords(), PROMPTS, settings, TrainingJob(tmp_path, seed=0))
    assert 1 <= found["steps"] < 20
    assert "above rl.max_kl" in found["stopped"]
    LocalModel.load(tmp_path / "model")


def test_prompts_without_room_for_an_answer_are_left_out(start: Path, tmp_path: Path) -> None:
    long = Prompt("long", Conversation.of("so " * 5000), "helpful", "any", "test", "train")
    found = reinforce(start, LikesPlainWords(), [*PROMPTS, long], SETTINGS, TrainingJob(tmp_path, seed=0))
    assert (found["prompts"], found["too_long"]) == (10, 1)
    with pytest.raises(TrainingError, match="none of 1 prompts"):
        reinforce(start, LikesPlainWords(), [long], SETTINGS, TrainingJob(tmp_path, seed=0))


def test_each_prompt_comes_once_before_any_comes_again() -> None:
    drawn = [prompt.id for step in range(5) for prompt in prompts_of_step(PROMPTS, 4, 7, step)]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == sorted(prompt.id for prompt in PROMPTS)
    assert drawn[:10] != drawn[10:]


def test_killed_anywhere_it_ends_as_if_undisturbed_rollouts_included(start: Path, tmp_path: Path) -> None:
    assert run(reinforce_in, tmp_path / "undisturbed", start) == 0
    folder = tmp_path / "killed"
    for die_at in (3, 4, 6):
        assert run(reinforce_in, folder, start, die_at) == -signal.SIGKILL
    assert run(reinforce_in, folder, start) == 0
    whole = [path for path in (tmp_path / "undisturbed").rglob("*") if path.is_file()]
    assert {path.name for path in whole} >= {"model.safetensors", "metrics.jsonl", "rollouts-5"}
    for path in whole:
        assert (folder / path.relative_to(tmp_path / "undisturbed")).read_bytes() == path.read_bytes()


def test_with_adapters_the_start_is_its_own_reference(start: Path, tmp_path: Path) -> None:
    lora = Training(lora=Lora(rank=8, alpha=32), micro_batch_tokens=512)
    settings = SETTINGS.model_copy(update={"learning_rate": 2e-2})
    found = reinforce(start, LikesPlainWords(), PROMPTS, settings, TrainingJob(tmp_path, seed=0, settings=lora))
    assert found["first_kl"] == pytest.approx(0, abs=1e-3)
    assert abs(found["last_kl"]) > 1e-3
    assert LocalModel.load(tmp_path / "model").digest != LocalModel.load(start).digest
