"""Helpful samples: the model's own answers to helpful prompts, unrevised, to be mixed into SL-CAI's data (CAI §3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from charter.models.base import GenerateRequest, Model
from charter.recipe import Revision as RevisionSettings
from charter.seeds import derive_seed
from charter.types import Prompt, RevisionChain

UNREVISED = "unrevised"  # in place of a template's digest: none was used


def sample(
    asked: Sequence[tuple[Prompt, int]], model: Model, settings: RevisionSettings, seed: int
) -> list[RevisionChain]:
    """A chain without rounds for each prompt and sample number, in their order.

    A prompt that leaves no room for an answer in the model's context is left out.
    """
    fitting = [
        (prompt, number)
        for prompt, number in asked
        if model.count_tokens(prompt.conversation.messages) + settings.max_tokens <= model.context_tokens
    ]
    requests = [
        GenerateRequest(
            prompt.conversation.messages,
            settings.max_tokens,
            derive_seed(seed, "sample", prompt.id, number),
            settings.temperature,
        )
        for prompt, number in fitting
    ]
    completions = model.generate(requests) if requests else []
    return [
        RevisionChain(f"sample-{prompt.id}-{number}", prompt, completion, (), UNREVISED, seed)
        for (prompt, number), completion in zip(fitting, completions, strict=True)
    ]
