"""Which prompts a step answers, and with which seeds: all of it follows from the run's seed and the step's number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charter.models.base import GenerateRequest
from charter.recipe import Rl
from charter.seeds import derive_seed
from charter.types import Prompt


def prompts_of_step(prompts: Sequence[Prompt], count: int, seed: int, step: int) -> list[Prompt]:
    """The ``count`` prompts of a step. Each comes once before any comes again, in an order drawn for each pass."""
    wanted = range(step * count, (step + 1) * count)
    orders = {turn: _order(len(prompts), seed, turn) for turn in {index // len(prompts) for index in wanted}}
    return [prompts[orders[index // len(prompts)][index % len(prompts)]] for index in wanted]


def requests_of_step(prompts: Sequence[Prompt], settings: Rl, seed: int, step: int) -> list[GenerateRequest]:
    """``settings.samples_per_prompt`` requests a prompt, those of one prompt next to each other."""
    return [
        GenerateRequest(
            messages=prompt.conversation.messages,
            max_tokens=settings.max_tokens,
            seed=derive_seed(seed, "rollout", step, place, sample),
            temperature=settings.temperature,
        )
        for place, prompt in enumerate(prompts)
        for sample in range(settings.samples_per_prompt)
    ]


def _order(count: int, seed: int, turn: int) -> list[int]:
    return np.random.default_rng(derive_seed(seed, "prompts", turn)).permutation(count).tolist()
