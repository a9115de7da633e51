"""A tiny network, something to learn, and a training run of it that a test can kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from charter.training.batches import TokenBatch, WeightedTokens, collate, plan_batches
from charter.training.checkpoint import Checkpointing
from charter.training.logprobs import token_logprobs
from charter.training.loop import Optimisation, TrainingJob, train
from charter.training.optimisers import Method

STEPS = 12


def tiny_network(dropout: float = 0.1) -> PreTrainedModel:
    torch.manual_seed(0)
    shape = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "attention_dropout": dropout}
    return LlamaForCausalLM(LlamaConfig(**shape, **heads, tie_word_embeddings=True))


class CountingWork:
    """To count upwards, with dropout, so that a step's random numbers matter."""

    def __init__(self, module: PreTrainedModel, stop_at: int = STEPS) -> None:
        self._module = module
        self._rows = [WeightedTokens.answer([(i + j) % 40 for j in range(3 + i % 9)], 1, 3 + i % 9) for i in range(60)]
        lengths = [len(row) for row in self._rows]
        self._plan = [batch for epoch in range(8) for batch in plan_batches(lengths, 96, 0, epoch)]
        self._stop_at = stop_at

    def batches(self, step: int) -> Sequence[TokenBatch]:
        if step == self._stop_at:
            return []
        chosen = self._plan[2 * step : 2 * step + 2]
        return [collate([self._rows[index] for index in batch], pad_token=0) for batch in chosen]

    def loss(self, batch: TokenBatch) -> Tensor:
        return -token_logprobs(self._module, batch).mean() / 2

    def halves(self, batch: TokenBatch) -> Sequence[TokenBatch]:
        return batch.halves()

    def metrics(self, step: int) -> Mapping[str, float]:
        return {"tokens": step}


def count_upwards(
    folder: Path, die_at: int | None = None, method: Method = "adamw", identity: str = "counting"
) -> Path:
    """Trains in ``folder`` and returns the file of the final weights. Kills its own process after step ``die_at``."""

    def progress(step: int, total: int, metrics: Mapping[str, float]) -> None:
        assert total == STEPS and metrics["step"] == step - 1
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    module = tiny_network()
    job = TrainingJob(folder, seed=3, progress=progress, checkpointing=Checkpointing(every_steps=4))
    optimisation = Optimisation(1e-2, method, warmup=0.25, decay="linear")
    train(module, CountingWork(module), STEPS, optimisation, job, identity)
    weights = folder / "weights.bin"
    weights.write_bytes(b"".join(parameter.detach().numpy().tobytes() for parameter in module.parameters()))
    return weights
