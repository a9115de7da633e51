"""The training loop. Supervised fine-tuning, the preference model and reinforcement learning all run this one.

They differ by their ``Work``: which batches make up a step, and what a batch's loss is. In reinforcement learning the
batches of a step are answers that the policy has just sampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer
from transformers import PreTrainedModel

from charter.errors import TrainingError
from charter.models.memory import is_out_of_memory, release_memory
from charter.recipe import Training
from charter.seeds import derive_seed
from charter.training.checkpoint import Checkpointing, Checkpoints
from charter.training.hardware import deterministic, start_accelerator
from charter.training.metrics import MetricsFile, read_metrics
from charter.training.optimisers import Method, new_optimiser

Progress = Callable[[int, int, Mapping[str, float]], None]


def silent(step: int, total: int, metrics: Mapping[str, float]) -> None:
    """Progress that nobody watches."""
    del step, total, metrics


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Where a stage trains, from which seed, and who watches: ``progress(step, total, metrics)`` after each step.

    ``folder`` takes ``model/``, ``metrics.jsonl`` and, until the end, a checkpoint. ``settings`` are the recipe's for
    training in general.
    """

    folder: Path
    seed: int
    progress: Progress = silent
    settings: Training = field(default_factory=Training)
    checkpointing: Checkpointing = field(default_factory=Checkpointing)


@dataclass(frozen=True, slots=True)
class Optimisation:
    """The optimiser and its schedule: ``warmup`` (a share of the steps) to the rate; constant, or linear to 0."""

    learning_rate: float
    method: Method = "adamw"
    warmup: float = 0.0
    decay: Literal["constant", "linear"] = "constant"
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step ``step`` (from 0) of ``steps``."""
        warmup_steps = round(self.warmup * steps)
        if step < warmup_steps:
            return self.learning_rate * (step + 1) / warmup_steps
        if self.decay == "constant":
            return self.learning_rate
        return self.learning_rate * (steps - step) / (steps - warmup_steps)


B = TypeVar("B")


class Work(Protocol[B]):
    """What is learnt: a step's batches and the loss of each, which follow from the step's number and the weights."""

    def batches(self, step: int) -> Sequence[B]:
        """The batches whose losses add up to the step's loss; none to end the training before this step."""
        ...

    def loss(self, batch: B) -> Tensor:
        """The batch's part of the step's loss: a scalar to differentiate."""
        ...

    def halves(self, batch: B) -> Sequence[B]:
        """Smaller batches whose losses add up to the batch's; the batch alone if it can't be cut."""
        ...

    def metrics(self, step: int) -> Mapping[str, float]:
        """What else to record of a step, after its update."""
        ...


def train(
    module: PreTrainedModel, work: Work[B], steps: int, optimisation: Optimisation, job: TrainingJob, identity: str
) -> list[dict[str, float]]:
    """Trains ``module`` in place, resuming where a killed run left off, and returns the metrics of every step.

    ``identity`` says what the run is made from (data, settings, start weights); a checkpoint of another is refused. The
    checkpoint stays until the caller has saved its results and calls ``end_training``. Raises ``TrainingError`` if the
    loss is no longer a number, ``FingerprintError``, ``StorageError``.
    """
    accelerator = start_accelerator()
    # Not accelerator.prepare(module): that would patch its forward for good, and RL also samples with this module.
    module.to(accelerator.device)
    optimiser = new_optimiser(module, optimisation.method, optimisation.weight_decay)
    checkpoints = Checkpoints(job.folder, identity, job.checkpointing)
    done = checkpoints.restore(module, optimiser)

    with deterministic(), MetricsFile(job.folder / "metrics.jsonl", keep=done) as metrics:
        for step in range(done, steps):
            torch.manual_seed(derive_seed(job.seed, "step", step))  # dropout, if the network has it
            batches = work.batches(step)
            if not batches:
                break

            module.train()
            loss = _accumulate(module, work, batches, accelerator)
            grad_norm = float(clip_grad_norm_(module.parameters(), optimisation.max_grad_norm))
            if not math.isfinite(loss + grad_norm):
                raise TrainingError(
                    f"at step {step} the loss is {loss} and its gradient's norm {grad_norm}",
                    "Lower the stage's learning_rate.",
                )

            rate = _set_rate(optimiser, optimisation.rate(step, steps))
            optimiser.step()
            optimiser.zero_grad()
            module.eval()

            row = {"step": step, "loss": loss, "grad_norm": grad_norm, "learning_rate": rate, **work.metrics(step)}
            written = metrics.append(row)
            if checkpoints.due(step + 1):
                metrics.flush()
                checkpoints.save(module, optimiser, step + 1)
            job.progress(step + 1, steps, written)
        metrics.flush()
    module.eval()
    return read_metrics(job.folder / "metrics.jsonl")


def _accumulate(module: PreTrainedModel, work: Work[B], batches: Sequence[B], accelerator: Accelerator) -> float:
    """Adds up the gradients of a step's batches, and returns its loss. Batches that don't fit into memory are halved.

    A backward pass that fails midway leaves gradients behind, so that the step is begun anew. Raises ``TrainingError``
    where nothing is left to halve.
    """
    try:
        loss = 0.0
        for batch in batches:
            with accelerator.autocast():
                part = work.loss(batch)
            accelerator.backward(part)
            loss += part.item()
        return loss
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        smaller = [half for batch in batches for half in work.halves(batch)]
        if len(smaller) == len(batches):
            raise TrainingError(
                "memory doesn't suffice to train on a single example",
                "Take a smaller model, shorter texts, or more memory.",
            ) from error
    # Outside the handler: the error's traceback would keep the failed batch's tensors alive.
    module.zero_grad()
    release_memory()
    return _accumulate(module, work, smaller, accelerator)


def end_training(job: TrainingJob) -> None:
    """Removes the checkpoint, once the results are saved."""
    Checkpoints(job.folder, "", job.checkpointing).remove()


def _set_rate(optimiser: Optimizer, rate: float) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    return rate
