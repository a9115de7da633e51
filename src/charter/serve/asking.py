"""From validated bodies to what a policy is asked: rendering, seeds, and whether it fits into the context.

Seeds: the first sample of a request takes the request's own seed, so that ``Model.generate`` with that seed gives the
same text; further samples take seeds derived from it. A request without one gets a seed from the server's count of
such requests: restarted, the server draws the same again for the same requests in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from charter.errors import ModelError
from charter.models.raw_text import raw_tokens
from charter.models.rendering import render_tokens
from charter.seeds import derive_seed
from charter.serve.bodies import CHAT_TOKENS, ChatBody, Sampling, TextBody
from charter.serve.policies import Generation, PolicyLane
from charter.serve.refusals import Refusal

SERVER_SEED = 0


class Seeds:
    """The seeds of one server's requests."""

    def __init__(self) -> None:
        self._unseeded = itertools.count()

    def of(self, body: Sampling, prompts: int) -> list[list[int]]:
        """A seed for each sample of each prompt. Under a given seed each prompt is answered as if it came alone."""
        if body.seed is not None:
            bases = [body.seed] * prompts
        else:
            number = next(self._unseeded)
            bases = [derive_seed(SERVER_SEED, "request", number, prompt) for prompt in range(prompts)]
        return [[derive_seed(base, "sample", k) if k else base for k in range(body.samples)] for base in bases]


def chat_generations(policy: PolicyLane, body: ChatBody, seeds: Seeds) -> list[Generation]:
    """An answer to write for each of ``body.n``. Raises ``Refusal``."""
    messages, prefill = body.asked
    try:
        prompt = tuple(render_tokens(policy.model.tokenizer, messages, prefill))
    except ModelError as error:
        raise Refusal.of_user_error(error, "messages") from error
    limit = _limit(policy, prompt, body.limit, "messages")
    return [
        Generation(
            prompt,
            limit,
            seed,
            body.heat,
            body.stops,
            prefilled=bool(prefill),
            likeliest=body.likeliest,
        )
        for seed in seeds.of(body, 1)[0]
    ]


def text_generations(policy: PolicyLane, body: TextBody, seeds: Seeds) -> list[Generation]:
    """A continuation for each of ``body.n``, prompt by prompt. Raises ``Refusal``."""
    prompts = [_raw_prompt(policy, prompt) for prompt in body.prompts]
    return [
        Generation(
            prompt,
            _limit(policy, prompt, body.limit, "prompt"),
            seed,
            body.heat,
            body.stops,
            chat=False,
            likeliest=body.logprobs,
            echo=bool(body.echo),
        )
        for prompt, own in zip(prompts, seeds.of(body, len(prompts)), strict=True)
        for seed in own
    ]


def _raw_prompt(policy: PolicyLane, prompt: str | Sequence[int]) -> tuple[int, ...]:
    tokens = tuple(raw_tokens(policy.model.tokenizer, prompt) if isinstance(prompt, str) else prompt)
    if not tokens:
        raise Refusal(400, "the prompt is empty, and the model has no token that begins a text", field="prompt")
    vocabulary = policy.model.network.config.vocab_size
    if max(tokens) >= vocabulary:
        raise Refusal(400, f"token {max(tokens)} isn't one of the model's {vocabulary}", field="prompt")
    return tokens


def _limit(policy: PolicyLane, prompt: Sequence[int], wanted: int | None, field: str) -> int:
    """How many tokens to write: as many as asked for, which have to fit; else what is left, up to ``CHAT_TOKENS``."""
    context = policy.model.context_tokens
    needed = 1 if wanted is None else wanted
    if not prompt:
        raise Refusal(400, "the model's chat template renders these messages as nothing", field=field)
    if len(prompt) + needed > context:
        raise Refusal.context_overrun(field, len(prompt) + needed, context)
    return min(CHAT_TOKENS, context - len(prompt)) if wanted is None else wanted
