from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from toy_training import STEPS, CountingWork, count_upwards, tiny_network
from transformers import PreTrainedModel

from charter.errors import FingerprintError, StorageError, TrainingError
from charter.training.batches import TokenBatch
from charter.training.logprobs import token_logprobs
from charter.training.loop import Optimisation, TrainingJob, end_training, train


def test_training_lowers_the_loss_and_writes_a_line_a_step(tmp_path: Path) -> None:
    count_upwards(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(STEPS))
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert set(rows[0]) == {"step", "loss", "grad_norm", "learning_rate", "tokens"}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = count_upwards(tmp_path / "one"), count_upwards(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "one/metrics.jsonl").read_bytes() == (tmp_path / "other/metrics.jsonl").read_bytes()


def test_the_rate_rises_through_the_warmup_and_falls_to_nothing() -> None:
    schedule = Optimisation(1.0, warmup=0.4, decay="linear")
    assert [round(schedule.rate(step, 10), 3) for step in range(10)] == [
        0.25, 0.5, 0.75, 1.0, 1.0, 0.833, 0.667, 0.5, 0.333, 0.167,
    ]  # fmt: skip
    assert {Optimisation(0.5).rate(step, 10) for step in range(10)} == {0.5}


class DivergingWork(CountingWork):
    def loss(self, batch: TokenBatch) -> Tensor:
        return super().loss(batch) * math.inf


def test_a_loss_that_is_no_number_ends_the_training_with_advice(tmp_path: Path) -> None:
    module = tiny_network()
    with pytest.raises(TrainingError, match=r"step 0 the loss is inf.*\n.*learning_rate"):
        train(module, DivergingWork(module), STEPS, Optimisation(1e-2), TrainingJob(tmp_path, 0), "x")


def test_work_without_batches_ends_the_training_before_the_step(tmp_path: Path) -> None:
    module = tiny_network()
    rows = train(module, CountingWork(module, stop_at=5), STEPS, Optimisation(1e-2), TrainingJob(tmp_path, 0), "x")
    assert len(rows) == 5


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    count_upwards(tmp_path)
    with pytest.raises(FingerprintError, match="other data, settings or start weights"):
        count_upwards(tmp_path, identity="another")


def test_the_checkpoint_goes_when_the_training_ends(tmp_path: Path) -> None:
    count_upwards(tmp_path)
    assert [folder.name for folder in tmp_path.glob("checkpoint-*")] == ["checkpoint-000000012"]
    end_training(TrainingJob(tmp_path, 0))
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_folder_that_cannot_be_written_is_the_disks_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="could not write"):
        count_upwards(tmp_path / "file" / "folder")


def test_training_leaves_torch_as_it_was(tmp_path: Path) -> None:
    count_upwards(tmp_path)
    assert not torch.are_deterministic_algorithms_enabled()


class CrampedWork(CountingWork):
    """Fails in the backward pass of a batch of more than ``room`` rows, as a device that is full would."""

    def __init__(self, module: PreTrainedModel, room: int) -> None:
        super().__init__(module)
        self._room = room
        self.refused = 0

    def loss(self, batch: TokenBatch) -> Tensor:
        whole = -token_logprobs(self._module, batch).sum() / 100
        if len(batch.lengths_B) > self._room:
            self.refused += 1
            whole.register_hook(self._refuse)
        return whole

    def _refuse(self, _: Tensor) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_batches_that_do_not_fit_are_halved_and_the_training_comes_to_the_same(tmp_path: Path) -> None:
    losses: list[list[float]] = []
    for name, room in (("roomy", 1000), ("cramped", 3)):
        module = tiny_network(dropout=0.0)
        work = CrampedWork(module, room)
        rows = train(module, work, STEPS, Optimisation(1e-2), TrainingJob(tmp_path / name, 0), "x")
        losses.append([row["loss"] for row in rows])
        assert bool(work.refused) == (name == "cramped")
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_an_example_that_does_not_fit_alone_is_a_users_error(tmp_path: Path) -> None:
    module = tiny_network()
    with pytest.raises(TrainingError, match="single example"):
        train(module, CrampedWork(module, 0), STEPS, Optimisation(1e-2), TrainingJob(tmp_path, 0), "x")
