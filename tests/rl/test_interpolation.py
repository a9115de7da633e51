from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy_reinforcement import PROMPTS, SETTINGS, LikesPlainWords, policy_of_two_minds

from charter.recipe import Lora, Training
from charter.rl import reinforce
from charter.rl.interpolation import interpolate
from charter.training import TrainingJob

HALF = SETTINGS.model_copy(update={"interpolation": 0.5})


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return policy_of_two_minds(tmp_path_factory.mktemp("models"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


@pytest.mark.parametrize("training", [Training(), Training(lora=Lora(rank=4))])
def test_half_the_way_is_the_mean_of_the_start_and_what_training_came_to(
    start: Path, tmp_path: Path, training: Training
) -> None:
    for name, settings in (("all", SETTINGS), ("half", HALF)):
        reinforce(start, LikesPlainWords(), PROMPTS, settings, TrainingJob(tmp_path / name, 0, settings=training))
    began, all_the_way, half = (
        load_file(start / "model.safetensors"),
        weights(tmp_path / "all"),
        weights(tmp_path / "half"),
    )
    assert any(not torch.equal(began[name], all_the_way[name]) for name in began)
    for name in began:
        torch.testing.assert_close(half[name], (began[name] + all_the_way[name]) / 2, atol=1e-6, rtol=1e-5)


def test_training_itself_is_the_same_however_much_is_kept(start: Path, tmp_path: Path) -> None:
    for name, settings in (("all", SETTINGS), ("half", HALF)):
        reinforce(start, LikesPlainWords(), PROMPTS, settings, TrainingJob(tmp_path / name, 0))
    assert (tmp_path / "all/metrics.jsonl").read_bytes() == (tmp_path / "half/metrics.jsonl").read_bytes()


def test_keeping_all_changes_no_bit_and_tied_weights_move_once() -> None:
    trained, start = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    before = trained.weight.clone()
    interpolate(trained, start, 1.0)
    assert torch.equal(trained.weight, before)
    tied, began = torch.nn.Sequential(trained, trained), torch.nn.Sequential(start, start)
    interpolate(tied, began, 0.25)
    torch.testing.assert_close(trained.weight, start.weight + 0.25 * (before - start.weight))
