"""Fine-tuning on the revisions: the last step of SL-CAI (Bai et al. 2022, §3.1).

Departures from the paper: it fine-tunes a pretrained model, this the helpful-only start itself; its learning rate is
constant, half that of pretraining, and its batch 1024 sequences, while here the rate is the recipe's, with a warmup and
a linear decay, and a batch is a number of tokens; the loss falls on the answer and the token that ends it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from charter.digests import digest_of
from charter.errors import TrainingError
from charter.recipe import Sft
from charter.sft.data import SftExample
from charter.training import (
    Optimisation,
    Start,
    TokenBatch,
    TrainingJob,
    WeightedTokens,
    collate,
    end_training,
    merge,
    model_card,
    pack,
    plan_batches,
    prepare,
    save_model_folder,
    token_logprobs,
    total,
    train,
)

WARMUP = 0.05  # of the steps: AdamW's first estimates are rough


class SftWork:
    """An epoch's batches are the steps; a step's loss is the mean over the answers' tokens."""

    def __init__(self, start: Start, rows: Sequence[WeightedTokens], settings: Sft, job: TrainingJob) -> None:
        lengths = [len(row) for row in rows]
        self._module = start.module
        self._rows = rows
        self._weight = 1.0
        self._pad = start.pad_token
        self._budget = job.settings.micro_batch_tokens or settings.batch_tokens
        self._plan = [
            batch
            for epoch in range(settings.epochs)
            for batch in plan_batches(lengths, settings.batch_tokens, job.seed, epoch)
        ]

    @property
    def steps(self) -> int:
        return len(self._plan)

    def batches(self, step: int) -> Sequence[TokenBatch]:
        rows = [self._rows[index] for index in self._plan[step]]
        self._weight = sum(float(row.weights.sum()) for row in rows)
        parts = pack(range(len(rows)), [len(row) for row in rows], self._budget)
        return [collate([rows[index] for index in part], self._pad) for part in parts]

    def loss(self, batch: TokenBatch) -> Tensor:
        batch = batch.to(self._module.device)
        logprobs_N = token_logprobs(self._module, batch)
        weights_N = batch.weights_BT[batch.weights_BT != 0]
        return -(logprobs_N * weights_N).sum() / self._weight

    def halves(self, batch: TokenBatch) -> Sequence[TokenBatch]:
        return batch.halves()

    def metrics(self, step: int) -> Mapping[str, float]:
        rows = [self._rows[index] for index in self._plan[step]]
        return {"tokens": sum(map(len, rows)), "examples": len(rows)}


def fine_tune(start: Path, examples: Sequence[SftExample], settings: Sft, job: TrainingJob) -> dict[str, float]:
    """Fine-tunes the model in ``start`` and writes ``job.folder``'s ``model/`` and ``metrics.jsonl``.

    Returns counts (``examples``, ``too_long``, ``steps``, ``tokens``) and the first and last step's loss. An example
    longer than the model's context is left out. Raises ``TrainingError`` if there is nothing to learn from.
    """
    model = Start.load(start, job.settings)
    rendered = [model.answered(example.conversation.messages, example.answer) for example in examples]
    rows = [row for row in rendered if len(row) <= model.context_tokens]
    if not rows:
        raise TrainingError(
            f"fine-tuning has none of {len(examples)} examples to learn from",
            "Look at what the revisions' hygiene flagged, or set sft.drop_flawed to false.",
        )
    work = SftWork(model, rows, settings, job)
    made_from = [model.digest, settings.model_dump(), job.settings.model_dump(), job.seed]
    identity = digest_of([*made_from, [row.tokens.tolist() for row in rows]])
    adapter = prepare(model.module, job.settings, job.seed)
    optimisation = Optimisation(settings.learning_rate, warmup=WARMUP, decay="linear")
    metrics = train(model.module, work, work.steps, optimisation, job, identity)
    merge(adapter)
    counts = {
        "examples": len(rows),
        "too_long": len(rendered) - len(rows),
        "steps": len(metrics),
        "tokens": total(metrics, "tokens"),
    }
    save_model_folder(model.module, start, job.folder / "model", _card(model, counts, settings))
    end_training(job)
    return {**counts, "first_loss": metrics[0]["loss"], "last_loss": metrics[-1]["loss"]}


def _card(model: Start, counts: Mapping[str, float], settings: Sft) -> str:
    facts = {"start (digest)": model.digest, **counts, **settings.model_dump()}
    purpose = "A policy that was fine-tuned on its own revised answers and helpful samples, by Charter."
    return model_card("SL-CAI policy", purpose, facts)
