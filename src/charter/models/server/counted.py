"""Choices where nobody tells probabilities: the same question is asked several times, and the answers are counted.

A choice's probability is the share of ``samples`` answers at temperature 1 that begin with it; answers that begin with
none are ``other``: a judge that abstains or doesn't answer. With n samples a share has a standard error of up to
1/(2 sqrt n), and a choice that nobody made has probability 0, whatever the model thinks of it.

It stands in front of the memo: each sampled answer is a call of its own, kept for itself, so that asking for more
samples asks only for those that are missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from charter.digests import digest_of
from charter.models.base import ChoiceLogprobs, ChoiceRequest, GenerateRequest, Model
from charter.models.server.bodies import choice_messages
from charter.models.server.walk import chosen
from charter.seeds import derive_seed
from charter.types import Completion, Message

VERDICT_TOKENS = 16


@dataclass(slots=True)
class CountedChoices:
    """A model whose choices are counted unless ``gives_logprobs`` says that it tells them. It is asked once."""

    model: Model
    gives_logprobs: Callable[[], bool]
    samples: int
    _given: bool | None = field(default=None, init=False)

    @property
    def digest(self) -> str:
        return self.model.digest

    @property
    def context_tokens(self) -> int:
        return self.model.context_tokens

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self.model.count_tokens(messages)

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        return self.model.generate(requests)

    def choice_logprobs(self, requests: Sequence[ChoiceRequest]) -> list[ChoiceLogprobs]:
        if not requests:
            return []
        if self._given is None:
            self._given = self.gives_logprobs()
        if self._given:
            return self.model.choice_logprobs(requests)
        answers = self.model.generate([asked for request in requests for asked in self._asked(request)])
        return [
            counted(request, answers[index * self.samples : (index + 1) * self.samples])
            for index, request in enumerate(requests)
        ]

    def _asked(self, request: ChoiceRequest) -> list[GenerateRequest]:
        messages, name = choice_messages(request), digest_of(request)
        seeds = (derive_seed(0, "verdict", name, sample) for sample in range(self.samples))
        return [GenerateRequest(messages, VERDICT_TOKENS, seed) for seed in seeds]


def counted(request: ChoiceRequest, answers: Sequence[Completion]) -> ChoiceLogprobs:
    """The shares of the choices among the answers."""
    counts = [0] * len(request.choices)
    for answer in answers:
        index = chosen(answer.text.removeprefix(request.prefill), request.choices)
        if index is not None:
            counts[index] += 1
    total = len(answers)
    logprobs = tuple(math.log(count / total) if count else -math.inf for count in counts)
    return ChoiceLogprobs(logprobs, (total - sum(counts)) / total, sum(answer.prompt_tokens for answer in answers))
