"""A model without a network: scripted, exact, and fast. Tests and examples use it where a ``Model`` is asked for.

    >>> model = FakeModel.by_rules([("poison", "I won't help with that."), ("", "Of course.")])
    >>> model.generate([GenerateRequest((Message("user", "Which poison?"),), max_tokens=20, seed=0)])[0].text
    "I won't help with that."

Its tokens are words with the space before them. It keeps to ``max_tokens`` and ``stop`` as a real model does, and an
answer that is the same for every seed is the script's business. A script may leave the answer empty, leave probability
on no choice, or raise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from charter.digests import digest_of
from charter.models.base import ChoiceLogprobs, ChoiceRequest, GenerateRequest
from charter.types import Completion, Message, StopReason

Reply = Callable[[GenerateRequest], str]
Odds = Callable[[ChoiceRequest], Sequence[float]]
Rule = tuple[str, str | Exception]


def no_reply(_request: GenerateRequest) -> str:
    """The empty answer."""
    return ""


def even_odds(request: ChoiceRequest) -> list[float]:
    """Every choice alike, and nothing left over."""
    return [1 / len(request.choices)] * len(request.choices)


def no_choice(request: ChoiceRequest) -> list[float]:
    """All probability on none of the choices: a judge that doesn't answer."""
    return [0.0] * len(request.choices)


@dataclass(slots=True)
class FakeModel:
    """Answers by ``reply`` and chooses by ``odds`` (probabilities, at most 1 together). Counts what it was asked.

    ``name`` is its identity: fakes that answer differently need different names.
    """

    reply: Reply = no_reply
    odds: Odds = even_odds
    name: str = "fake"
    context_tokens: int = 4096
    generate_requests: int = field(default=0, init=False)
    choice_requests: int = field(default=0, init=False)

    @classmethod
    def by_rules(cls, rules: Sequence[Rule], odds: Odds = even_odds, name: str = "fake") -> FakeModel:
        """Gives the reply of the first rule whose pattern occurs in the conversation, or raises it; else nothing.

        A pattern is a regular expression. It sees a line "role: content" a message, the prefill as the assistant's.
        """
        script = [(re.compile(pattern, re.DOTALL), reply) for pattern, reply in rules]

        def reply_by_rules(request: GenerateRequest) -> str:
            text = conversation_text(request.messages, request.prefill)
            reply = next((reply for pattern, reply in script if pattern.search(text)), "")
            if isinstance(reply, Exception):
                raise reply
            return reply

        return cls(reply_by_rules, odds, name=digest_of([name, *([pattern, str(reply)] for pattern, reply in rules)]))

    @property
    def digest(self) -> str:
        return digest_of({"fake": self.name})

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words, and one token a turn."""
        return sum(1 + len(_words(message.content)) for message in messages)

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        self.generate_requests += len(requests)
        return [self._completion(request) for request in requests]

    def choice_logprobs(self, requests: Sequence[ChoiceRequest]) -> list[ChoiceLogprobs]:
        """Raises ``ValueError`` for odds that are not probabilities of the request's choices."""
        self.choice_requests += len(requests)
        return [self._choices(request) for request in requests]

    def _completion(self, request: GenerateRequest) -> Completion:
        text, stop = _stopped(self.reply(request), request)
        prompt_tokens = self.count_tokens(request.messages) + len(_words(request.prefill))
        return Completion(text, len(_words(text)) + (stop == "end"), prompt_tokens, stop, self.digest)

    def _choices(self, request: ChoiceRequest) -> ChoiceLogprobs:
        odds = list(self.odds(request))
        if len(odds) != len(request.choices) or min(odds) < 0 or sum(odds) > 1 + 1e-9:
            raise ValueError(f"{odds} are not the probabilities of {len(request.choices)} choices")
        logprobs = tuple(math.log(value) if value > 0 else -math.inf for value in odds)
        prompt_tokens = self.count_tokens(request.messages) + len(_words(request.prefill))
        return ChoiceLogprobs(logprobs, max(0.0, 1 - sum(odds)), prompt_tokens)


def conversation_text(messages: Sequence[Message], prefill: str = "") -> str:
    """One line "role: content" a message, which is what the rules' patterns see."""
    opening = [Message("assistant", prefill)] if prefill else []
    return "\n".join(f"{message.role}: {message.content}" for message in [*messages, *opening])


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _stopped(text: str, request: GenerateRequest) -> tuple[str, StopReason]:
    """``text`` as far as the request lets it go, by its stop texts first and then by its limit, and why it stopped."""
    cuts = [text.index(stop) for stop in request.stop if stop in text]
    if cuts:
        text = text[: min(cuts)]
    words = _words(text)
    if len(words) > request.max_tokens:
        return "".join(words[: request.max_tokens]), "length"
    return text, "stop_text" if cuts else "end"
