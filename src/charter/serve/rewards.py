"""A preference model's scores as rewards, for conversations and for text that another program has rendered.

Rendered text (OpenRLHF's queries, verl's inputs) is tokenised as it stands, by the preference model's tokenizer: it has
to come from the same chat template, as it does where the policy that is trained began from the same model. What such
programs leave off or put on is mended: a missing token that begins the text (verl takes it off), padding and ends of
turn behind the answer; then the end of turn at which the score is read. A conversation given as messages is rendered
here, and needs no such care.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from transformers import PreTrainedTokenizerBase

from charter.errors import ModelError
from charter.models.rendering import answer_span, chat_format, encode, neutralise, render_text
from charter.serve.refusals import Refusal
from charter.types import Message

BUDGET = 65536  # tokens scored in one go, between which policies get their turn


class Scorer(Protocol):
    """What serving needs of a preference model."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase: ...

    @property
    def context_tokens(self) -> int: ...

    def score_tokens(self, conversations: Sequence[Sequence[int]]) -> list[float]: ...


class RewardLane:
    """A preference model that scores batches of conversations, given as tokens."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._form = chat_format(scorer.tokenizer)
        self._closing = _closing(scorer.tokenizer, self._form.end_token)
        self._begin = _begin(scorer.tokenizer)

    @property
    def budget(self) -> int:
        return BUDGET

    def size(self, item: Sequence[int]) -> int:
        return len(item)

    def compute(self, items: Sequence[Sequence[int]]) -> list[float]:
        """The rewards, in order. Raises ``ModelError`` if they are no numbers."""
        found = self._scorer.score_tokens(items)
        if not all(map(math.isfinite, found)):
            raise ModelError("the preference model's scores are no numbers", "Take an earlier checkpoint.")
        return found

    def conversation_tokens(self, messages: Sequence[Message], field: str) -> list[int]:
        """The tokens of turns that end with the assistant's answer. Raises ``Refusal``."""
        if len(messages) < 2 or messages[-1].role != "assistant":
            raise Refusal(400, "a conversation to score ends with the assistant's answer", field=field)
        try:
            tokens = answer_span(self._scorer.tokenizer, messages[:-1], messages[-1].content).tokens
        except ModelError as error:
            raise Refusal.of_user_error(error, field) from error
        return self._fitting(tokens, field)

    def rendered_tokens(self, text: str, prompt: str, field: str) -> list[int]:
        """The tokens of a rendered conversation with its answer. Raises ``Refusal``.

        Where the text begins with ``prompt``, what follows is known to be the answer: control tokens inside it can't
        end its turn early or begin another.
        """
        body = _opened(text, self._closing)
        if prompt and body.startswith(prompt):
            body = prompt + neutralise(body[len(prompt) :], self._form)
        if not body.startswith(self._begin):
            body = self._begin + body
        if not body.endswith(self._form.tail):
            body += self._form.tail
        return self._fitting([*encode(self._scorer.tokenizer, [body])[0], self._form.end_token], field)

    def _fitting(self, tokens: list[int], field: str) -> list[int]:
        if len(tokens) > self._scorer.context_tokens:
            raise Refusal.context_overrun(field, len(tokens), self._scorer.context_tokens)
        return tokens


def _closing(tokenizer: PreTrainedTokenizerBase, end: int) -> tuple[str, ...]:
    """The tokens that may stand behind an answer: the end of its turn, the end of the text, padding."""
    names = [str(tokenizer.convert_ids_to_tokens(end)), str(tokenizer.eos_token or ""), str(tokenizer.pad_token or "")]
    return tuple(dict.fromkeys(name for name in names if name))


def _opened(text: str, closing: tuple[str, ...]) -> str:
    """``text`` without the closing tokens at its end and the white space between and behind them."""
    kept = place = len(text)
    while True:
        while place and text[place - 1].isspace():
            place -= 1
        name = next((name for name in closing if text.endswith(name, 0, place)), None)
        if name is None:
            return text[:kept]
        kept = place = place - len(name)


def _begin(tokenizer: PreTrainedTokenizerBase) -> str:
    """The token that the chat template begins a text with; empty if it doesn't."""
    begin = str(tokenizer.bos_token or "")
    return begin if render_text(tokenizer, (Message("user", "?"),)).startswith(begin) else ""
