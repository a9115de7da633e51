"""A policy answers the evaluation prompts."""

from __future__ import annotations

from collections.abc import Sequence

from charter.models.base import GenerateRequest, Model
from charter.recipe import Evaluation as EvaluationSettings
from charter.seeds import derive_seed
from charter.types import Answer, Completion, Prompt


def answer(
    prompts: Sequence[Prompt], policy_name: str, model: Model, settings: EvaluationSettings, seed: int
) -> list[Answer]:
    """One answer a prompt, in their order, all in one call.

    An answer follows from prompt, model and seed, not from what the policy is called: two names for one model answer
    alike. A prompt that leaves no room for an answer in the model's context gets an empty one that stopped at "length".
    """
    requests = [_request(prompt, model, settings, seed) for prompt in prompts]
    asked = [request for request in requests if request is not None]
    completions = iter(model.generate(asked) if asked else [])
    no_room = Completion("", tokens=0, prompt_tokens=0, stop="length", model=model.digest)
    return [
        Answer(
            id=f"answer-{policy_name}-{prompt.id}",
            policy=policy_name,
            prompt=prompt,
            completion=no_room if request is None else next(completions),
        )
        for prompt, request in zip(prompts, requests, strict=True)
    ]


def _request(prompt: Prompt, model: Model, settings: EvaluationSettings, seed: int) -> GenerateRequest | None:
    messages = prompt.conversation.messages
    if model.count_tokens(messages) + settings.max_tokens > model.context_tokens:
        return None
    return GenerateRequest(messages, settings.max_tokens, derive_seed(seed, "answer", prompt.id), settings.temperature)
