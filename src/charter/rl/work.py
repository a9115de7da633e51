"""One step of RLOO, as the training loop's work: sample, score, compare with the group, reinforce.

Shapes: G groups (prompts of a step), S samples of each, N = G S answers of a step, B rows of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from charter.digests import digest_of
from charter.models.base import Model
from charter.models.local import LocalModel, Sample
from charter.models.memory import in_halves
from charter.recipe import Rl
from charter.rl.advantage import leave_one_out
from charter.rl.loss import reinforce_loss
from charter.rl.monitor import mean_kl, observe
from charter.rl.reward import penalise_unfinished, rewards
from charter.rl.rollouts import prompts_of_step, requests_of_step
from charter.training import (
    Adapter,
    Start,
    TokenBatch,
    WeightedTokens,
    answer_logprobs,
    collate,
    pack,
    start_accelerator,
)
from charter.types import Completion, Message, Prompt, Rollout

MICRO_BATCH_TOKENS = 4096  # padded; it bounds memory, and changes the gradient only by rounding


class Scorer(Protocol):
    """A preference model, or whatever else says how good an answer is."""

    @property
    def digest(self) -> str: ...

    def score(self, answers: Sequence[tuple[Sequence[Message], str]]) -> list[float]: ...


def _no_record(step: int, rollouts: Sequence[Rollout]) -> None:
    del step, rollouts


def _no_watch(step: int, policy: Model, rollouts: Sequence[Rollout]) -> Mapping[str, float]:
    del step, policy, rollouts
    return {}


@dataclass(frozen=True, slots=True)
class Observer:
    """Who sees the rollouts. Both are called before the step's update, and again for steps that a resumed run repeats.

    ``record(step, rollouts)`` gets every step's rollouts, the same ones when the step is repeated. ``watch(step,
    policy, rollouts)`` may look at them, or ask the policy itself, and returns figures for the step's line of metrics:
    a truth beside the reward.
    """

    record: Callable[[int, Sequence[Rollout]], None] = field(default=_no_record)
    watch: Callable[[int, Model, Sequence[Rollout]], Mapping[str, float]] = field(default=_no_watch)


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch:
    """Some of a step's answers, as tokens whose weights are 1 on the answer, and their advantages."""

    tokens: TokenBatch
    advantages_B: Tensor


@dataclass(slots=True)
class ReinforceWork:
    """Samples with the policy under training, and reinforces what the scorer likes better than its group.

    ``start.module`` is the policy; ``reference`` is what it was at the start, which is itself without its adapter if it
    has one. ``stopped`` says why it asked for an early end, if it did.
    """

    start: Start
    reference: PreTrainedModel | Adapter
    scorer: Scorer
    prompts: Sequence[Prompt]
    settings: Rl
    seed: int
    observer: Observer
    micro_batch_tokens: int = MICRO_BATCH_TOKENS
    stopped: str = ""
    observed: Mapping[str, float] = field(default_factory=dict)

    def batches(self, step: int) -> Sequence[MicroBatch]:
        """The step's answers with their advantages; none once the policy is further from its start than allowed."""
        model = LocalModel.wrap(
            self.start.module, self.start.tokenizer, digest_of([self.start.digest, self.seed, step])
        )
        prompts = prompts_of_step(self.prompts, self.settings.prompts_per_step, self.seed, step)
        requests = requests_of_step(prompts, self.settings, self.seed, step)
        samples = model.sample(requests)
        completions = [sample.completion for sample in samples]
        rows = [_row(sample) for sample in samples]
        parts = pack(range(len(rows)), [len(row) for row in rows], self.micro_batch_tokens)
        batches = [collate([rows[index] for index in part], self.start.pad_token) for part in parts]
        kl_N = self._log_ratios(parts, batches)

        rollouts = self._reward(step, prompts, completions, kl_N)
        self.observer.record(step, rollouts)
        self.observed = {
            **observe(rollouts),
            "tokens": sum(map(len, rows)),
            "generated_tokens": sum(completion.tokens for completion in completions),
            **self.observer.watch(step, model, rollouts),
        }
        if mean_kl(rollouts) > self.settings.max_kl:
            self.stopped = f"mean KL {mean_kl(rollouts):.1f} nats an answer at step {step}, above rl.max_kl"
            return []
        advantages_N = torch.tensor([rollout.advantage for rollout in rollouts])
        return [MicroBatch(batch, advantages_N[part]) for part, batch in zip(parts, batches, strict=True)]

    def loss(self, batch: MicroBatch) -> Tensor:
        answers = self.settings.prompts_per_step * self.settings.samples_per_prompt
        device = self.start.module.device
        logprobs_B = answer_logprobs(self.start.module, batch.tokens.to(device))
        return reinforce_loss(logprobs_B, batch.advantages_B.to(device), answers)

    def halves(self, batch: MicroBatch) -> Sequence[MicroBatch]:
        parts = batch.tokens.halves()
        advantages = batch.advantages_B.split([len(part.lengths_B) for part in parts])
        return [MicroBatch(part, advantages_B) for part, advantages_B in zip(parts, advantages, strict=True)]

    def metrics(self, step: int) -> Mapping[str, float]:
        del step
        return self.observed

    def _log_ratios(self, parts: Sequence[Sequence[int]], batches: Sequence[TokenBatch]) -> Tensor:
        """log policy - log reference of each answer, in nats: shape [N], on the CPU."""
        ratios_N = torch.zeros(sum(map(len, parts)))
        with torch.no_grad(), start_accelerator().autocast():
            for part, batch in zip(parts, batches, strict=True):
                ratios_N[part] = torch.tensor(in_halves(range(len(part)), partial(self._log_ratios_of, batch)))
        return ratios_N

    def _log_ratios_of(self, batch: TokenBatch, rows: Sequence[int]) -> list[float]:
        here = batch.rows(torch.tensor(rows)).to(self.start.module.device)
        policy_B = answer_logprobs(self.start.module, here)
        if isinstance(self.reference, Adapter):
            with self.reference.switched_off():
                reference_B = answer_logprobs(self.start.module, here)
        else:
            reference_B = answer_logprobs(self.reference, here)
        return (policy_B - reference_B).tolist()

    def _reward(
        self, step: int, prompts: Sequence[Prompt], completions: Sequence[Completion], kl_N: Tensor
    ) -> list[Rollout]:
        samples = self.settings.samples_per_prompt
        asked = [prompt for prompt in prompts for _ in range(samples)]
        answers = [(p.conversation.messages, completion.text) for p, completion in zip(asked, completions, strict=True)]
        scores_GS = torch.tensor(self.scorer.score(answers)).view(-1, samples)
        unfinished_GS = torch.tensor([completion.stop == "length" for completion in completions]).view(-1, samples)
        rewards_GS = rewards(
            penalise_unfinished(scores_GS, unfinished_GS), kl_N.view(-1, samples), self.settings.kl_weight
        )
        advantages_GS = leave_one_out(rewards_GS)
        figures = (tensor.flatten().tolist() for tensor in (scores_GS, kl_N, rewards_GS, advantages_GS))
        return [
            Rollout(f"rollout-{step:05d}-{index:04d}", step, prompt, completion, *numbers)
            for index, (prompt, completion, *numbers) in enumerate(zip(asked, completions, *figures, strict=True))
        ]


def _row(sample: Sample) -> WeightedTokens:
    """The tokens as they were drawn. Cutting the answer's text into tokens anew could give others, and then what is
    reinforced isn't what was sampled. Thoughts stand before the answer, and are not themselves reinforced."""
    tokens = [*sample.prompt, *sample.drawn]
    return WeightedTokens.answer(tokens, len(sample.prompt) + sample.thoughts, len(tokens))
