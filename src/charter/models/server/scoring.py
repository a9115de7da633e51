"""The ways in which servers tell how likely a text is: what each sends, how it is read, how one knows that it works.

====================  ==================================================================================================
``echo``              completions: the prompt with each choice behind it is echoed with its log-probabilities: exact
``prompt_logprobs``   completions of vLLM: the same by a field of its own: exact
``walk``              completions: one answer is written, with alternatives a token: exact up to where it decides
``chat``              chat: likewise, with the choices asked for in words instead of a started answer
====================  ==================================================================================================

Some servers accept a field and silently ignore it: a way counts as found only when its figures are there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from charter.models.base import ChoiceRequest
from charter.models.server import bodies
from charter.models.server.replies import Position, echoed, first_choice, positions_of, tail_logprob
from charter.models.server.texts import Rendering
from charter.models.server.walk import walked
from charter.types import Message

TRIAL = ChoiceRequest(
    (Message("user", "Which letter comes first?\nOptions:\n(A) a\n(B) b"),), (" (A)", " (B)"), "The answer is:"
)
ABSURD = -50.0  # nats below which an alternative is no more than a way to say "none"
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scoring:
    """One way. ``top`` is how many alternatives it asks for."""

    kind: Literal["echo", "prompt_logprobs", "walk", "chat"]
    top: int = 0

    @property
    def path(self) -> str:
        return bodies.CHAT if self.kind == "chat" else bodies.COMPLETIONS

    def bodies(self, model: str, request: ChoiceRequest, rendering: Rendering) -> list[Data]:
        """What to send: one body, or one a choice."""
        if self.kind == "chat":
            return [bodies.chat_choice_body(model, request, self.top)]
        text = rendering.text(request.messages, request.prefill)
        if self.kind == "walk":
            return [bodies.walk_body(model, text, self.top)]
        make = bodies.echo_body if self.kind == "echo" else bodies.prompt_logprobs_body
        return [make(model, text + rendering.choice(choice, request.prefill)) for choice in request.choices]

    def read(self, answers: Sequence[Data], request: ChoiceRequest, rendering: Rendering) -> tuple[float, ...] | None:
        """The log-probability of each choice; None where the answers don't hold it."""
        choices = [first_choice(answer) for answer in answers]
        if self.kind in ("walk", "chat"):
            positions = _after(positions_of(choices[0]), request.prefill)
            return walked(positions, request.choices) if positions else None
        text = rendering.text(request.messages, request.prefill)
        ends = [rendering.choice(choice, request.prefill) for choice in request.choices]
        found = [
            echoed(choice, text + end, end) if self.kind == "echo" else tail_logprob(choice, end)
            for choice, end in zip(choices, ends, strict=True)
        ]
        known = [min(value, 0.0) for value in found if value is not None]
        return tuple(known) if len(known) == len(found) else None

    def works(self, answers: Sequence[Data], rendering: Rendering) -> bool:
        """Whether the answers to ``TRIAL`` hold figures that can be probabilities."""
        found = self.read(answers, TRIAL, rendering)
        if found is None or any(math.isnan(value) for value in found):
            return False
        if self.kind in ("walk", "chat"):
            positions = positions_of(first_choice(answers[0]))
            return any(sum(value > ABSURD for value in position.top.values()) > 1 for position in positions)
        return sum(map(math.exp, found)) <= 1.0 + 1e-3


def _after(positions: Sequence[Position], prefill: str) -> Sequence[Position]:
    """The tokens after those that repeat the prefill, with which a chat model that was shown examples may begin."""
    begun = ""
    for index, position in enumerate(positions):
        begun += position.token
        if begun.strip() == prefill.strip():
            return positions[index + 1 :]
        if not prefill.startswith(begun.lstrip()):
            break
    return positions


WAYS: Mapping[str, tuple[Scoring, ...]] = {
    "completions": (Scoring("echo"), Scoring("prompt_logprobs"), Scoring("walk", 20), Scoring("walk", 5)),
    "chat": (Scoring("chat", 20), Scoring("chat", 5)),
}
"""In the order in which they are tried: the exact ones first."""
