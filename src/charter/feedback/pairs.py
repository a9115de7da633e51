"""Pairs of answers to compare, sampled from one policy at the recipe's temperature (CAI §4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from charter.models.base import GenerateRequest, Model
from charter.recipe import Comparisons
from charter.seeds import derive_seed
from charter.types import Candidate, Comparison, Prompt


def plan_pairs(prompts: Sequence[Prompt], pairs: int, seed: int) -> list[tuple[Prompt, int]]:
    """``pairs`` prompts, each with the number of its turn: shuffled, and no prompt twice before all came once."""
    planned: list[tuple[Prompt, int]] = []
    for turn in range(-(-pairs // len(prompts))):
        order = list(prompts)
        Random(derive_seed(seed, "pairs", turn)).shuffle(order)
        planned.extend((prompt, turn) for prompt in order)
    return planned[:pairs]


def sample_pairs(
    planned: Sequence[tuple[Prompt, int]], policy: str, model: Model, settings: Comparisons, seed: int
) -> list[Comparison]:
    """A comparison for each planned prompt that fits the context, in their order."""
    fitting = [
        (prompt, turn)
        for prompt, turn in planned
        if model.count_tokens(prompt.conversation.messages) + settings.max_tokens <= model.context_tokens
    ]
    requests = [
        GenerateRequest(
            prompt.conversation.messages,
            settings.max_tokens,
            derive_seed(seed, "pair", prompt.id, turn, side),
            settings.temperature,
        )
        for prompt, turn in fitting
        for side in ("a", "b")
    ]
    completions = model.generate(requests) if requests else []
    sides = [Candidate.of(completion, policy) for completion in completions]
    return [
        Comparison(f"comparison-{prompt.id}-{turn}", prompt, a, b)
        for (prompt, turn), a, b in zip(fitting, sides[::2], sides[1::2], strict=True)
    ]
