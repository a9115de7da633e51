"""Training the preference model on the judge's labels (Bai et al. 2022, §4.1), and saying how far to believe it.

Departures from the paper: its preference model is first pretrained on public comparisons (Bai et al. 2022a, App. A.2)
and learns human helpfulness labels beside the AI harmlessness ones (§4.2); this one starts from the policy and learns
whatever labels it is given.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from charter.digests import digest_of
from charter.errors import TrainingError
from charter.preference.calibration import Calibration, ScoredLabel, calibrate
from charter.preference.data import preference_data
from charter.preference.loss import soft_preference_loss
from charter.preference.network import preference_network, scores
from charter.preference.score import PreferenceScorer
from charter.recipe import Preference
from charter.training import (
    Optimisation,
    Start,
    TokenBatch,
    TrainingJob,
    WeightedTokens,
    collate,
    commit_text,
    end_training,
    merge,
    model_card,
    pack,
    plan_batches,
    prepare,
    save_model_folder,
    total,
    train,
)
from charter.types import PreferenceLabel

WARMUP = 0.1  # of the steps, for the new head


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Both sides of a comparison, as tokens, and the probability that a is better."""

    a: WeightedTokens
    b: WeightedTokens
    p_a: float

    @property
    def longest(self) -> int:
        return max(len(self.a), len(self.b))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PairBatch:
    """P pairs: rows 0 to P - 1 of ``sides`` are their a, the next P their b."""

    sides: TokenBatch
    targets_P: Tensor

    def pairs(self, begin: int, end: int) -> PairBatch:
        """Some of the pairs."""
        count = len(self.targets_P)
        chosen = torch.tensor([*range(begin, end), *range(count + begin, count + end)])
        return PairBatch(self.sides.rows(chosen), self.targets_P[begin:end])


class PreferenceWork:
    """An epoch's batches are the steps; both sides of a pair are in one batch, and the loss is the mean over pairs."""

    def __init__(
        self, network: PreTrainedModel, pairs: Sequence[Pair], settings: Preference, job: TrainingJob, pad: int
    ) -> None:
        lengths = [2 * pair.longest for pair in pairs]
        self._network = network
        self._pairs = pairs
        self._pad = pad
        self._budget = job.settings.micro_batch_tokens or settings.batch_tokens
        self._pairs_in_step = 1
        self._plan = [
            batch
            for epoch in range(settings.epochs)
            for batch in plan_batches(lengths, settings.batch_tokens, job.seed, epoch)
        ]

    @property
    def steps(self) -> int:
        return len(self._plan)

    def batches(self, step: int) -> Sequence[PairBatch]:
        pairs = [self._pairs[index] for index in self._plan[step]]
        self._pairs_in_step = len(pairs)
        parts = pack(range(len(pairs)), [2 * pair.longest for pair in pairs], self._budget)
        return [self._batch([pairs[index] for index in part]) for part in parts]

    def _batch(self, pairs: Sequence[Pair]) -> PairBatch:
        sides = collate([*(pair.a for pair in pairs), *(pair.b for pair in pairs)], self._pad)
        return PairBatch(sides, torch.tensor([pair.p_a for pair in pairs], dtype=torch.float32))

    def loss(self, batch: PairBatch) -> Tensor:
        device = self._network.device
        scores_a_P, scores_b_P = scores(self._network, batch.sides.to(device)).chunk(2)
        losses_P = soft_preference_loss(scores_a_P - scores_b_P, batch.targets_P.to(device))
        return losses_P.sum() / self._pairs_in_step

    def halves(self, batch: PairBatch) -> Sequence[PairBatch]:
        pairs = len(batch.targets_P)
        middle = pairs // 2
        return [batch.pairs(0, middle), batch.pairs(middle, pairs)] if middle else [batch]

    def metrics(self, step: int) -> Mapping[str, float]:
        pairs = [self._pairs[index] for index in self._plan[step]]
        return {"tokens": sum(len(pair.a) + len(pair.b) for pair in pairs), "pairs": len(pairs)}


def train_preference_model(
    start: Path, labels: Sequence[PreferenceLabel], settings: Preference, job: TrainingJob
) -> dict[str, Any]:
    """Trains a preference model from the policy in ``start``.

    Writes to ``job.folder``: ``model/``, ``metrics.jsonl``, ``held_out.jsonl`` (label id, p_a, score_a, score_b) and
    ``calibration.json``. Returns counts (``train``, ``held_out``, ``left_out`` by state, ``too_long``, ``steps``,
    ``tokens``) and the held-out ``accuracy``, ``nll``, ``nll_floor`` and ``expected_calibration_error``, None where
    nothing was held out. Raises ``TrainingError`` if there is nothing to learn from.
    """
    model = Start.load(start, job.settings)
    data = preference_data(labels, settings.held_out, job.seed)
    rendered = [_pair(model, label) for label in data.train]
    pairs = [pair for pair in rendered if pair.longest <= model.context_tokens]
    if not pairs:
        raise TrainingError(
            f"the preference model has none of {len(labels)} labels to learn from ({dict(data.left_out)} left out)",
            "Look at the labels, ask for more comparisons.pairs, or lower preference.held_out.",
        )
    network = preference_network(model, job.seed)
    adapter = prepare(network, job.settings, job.seed, also_trained=("score",))
    work = PreferenceWork(network, pairs, settings, job, model.pad_token)
    identity = digest_of(
        [
            model.digest,
            settings.model_dump(),
            job.settings.model_dump(),
            job.seed,
            [label.id for label in data.train],
            *map(_told, pairs),
        ]
    )
    optimisation = Optimisation(settings.learning_rate, warmup=WARMUP, decay="linear")
    metrics = train(network, work, work.steps, optimisation, job, identity)
    merge(adapter)
    counts: dict[str, Any] = {
        "train": len(pairs),
        "held_out": len(data.held_out),
        "left_out": data.left_out,
        "too_long": len(rendered) - len(pairs),
        "steps": len(metrics),
        "tokens": total(metrics, "tokens"),
    }
    save_model_folder(network, start, job.folder / "model", _card(model, counts, settings))
    found = _measure(job.folder, data.held_out)
    end_training(job)
    figures = ("accuracy", "nll", "nll_floor", "expected_calibration_error")
    return {**counts, **{name: getattr(found, name) for name in figures}}


def _pair(model: Start, label: PreferenceLabel) -> Pair:
    p_a = label.p_a
    assert p_a is not None
    messages = label.comparison.prompt.conversation.messages
    sides = (label.comparison.a.text, label.comparison.b.text)
    a, b = (model.answered(messages, text) for text in sides)
    return Pair(a, b, p_a)


def _told(pair: Pair) -> Sequence[Any]:
    return [pair.a.tokens.tolist(), pair.b.tokens.tolist(), pair.p_a]


def _measure(folder: Path, labels: Sequence[PreferenceLabel]) -> Calibration:
    """Scores held-out labels with the model as saved, and writes the scores and what they come to."""
    scorer = PreferenceScorer.load(folder / "model")
    sides = [(label.comparison.prompt.conversation.messages, label.comparison.a.text) for label in labels]
    sides += [(label.comparison.prompt.conversation.messages, label.comparison.b.text) for label in labels]
    found = scorer.score(sides)
    scored = [
        ScoredLabel(label.id, label.p_a if label.p_a is not None else 0.5, score_a, score_b)
        for label, score_a, score_b in zip(labels, found[: len(labels)], found[len(labels) :], strict=True)
    ]
    calibration = calibrate(scored)
    rows = [json.dumps(dataclasses.asdict(label)) + "\n" for label in scored]
    commit_text(folder / "held_out.jsonl", "".join(rows))
    commit_text(folder / "calibration.json", json.dumps(dataclasses.asdict(calibration), indent=2) + "\n")
    return calibration


def _card(model: Start, counts: Mapping[str, Any], settings: Preference) -> str:
    facts = {"start (digest)": model.digest, **counts, **settings.model_dump()}
    purpose = "Scores an answer to a conversation, as trained by Charter on an AI judge's soft labels. Not a policy."
    return model_card("Preference model", purpose, facts)
