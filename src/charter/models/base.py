"""The seam to language models: batches in, batches out, order kept.

A request holds messages; rendering them (chat template or plain turns) is the backend's business. Charter's stages know
this file and no backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from charter.types import Completion, Message


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Write the next assistant turn, which starts with ``prefill`` (not repeated in the completion).

    ``seed`` alone decides the sampling: the same request gives the same text in whatever batch it travels.
    Temperature 0 is greedy.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    seed: int
    temperature: float = 1.0
    prefill: str = ""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceRequest:
    """How likely is each of ``choices`` as what follows ``prefill`` in the next assistant turn?"""

    messages: tuple[Message, ...]
    choices: tuple[str, ...]
    prefill: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceLogprobs:
    """``logprobs[i]`` is the log-probability (nats) of choice i's whole token sequence.

    ``other`` is the probability, in [0, 1], that fell on none of them.
    """

    logprobs: tuple[float, ...]
    other: float
    prompt_tokens: int


class Model(Protocol):
    """A language model behind whatever backend."""

    @property
    def digest(self) -> str:
        """Identity of weights, tokenizer and template: equal digests answer alike."""
        ...

    @property
    def context_tokens(self) -> int:
        """The longest prompt plus answer that it takes."""
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Length of the rendered messages."""
        ...

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]: ...

    def choice_logprobs(self, requests: Sequence[ChoiceRequest]) -> list[ChoiceLogprobs]: ...
