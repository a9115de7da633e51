"""A policy at work for clients: prompts to continue in, texts and log-probabilities out, a batch at a time."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerBase

from charter.models.generation import Job, Written, write
from charter.models.local import LocalModel
from charter.models.passages import Passage, ScoredToken, score_tokens
from charter.models.raw_text import token_text, token_texts
from charter.models.rendering import chat_format, decode_after, decode_answer
from charter.serve.deltas import Deltas
from charter.types import StopReason


@dataclass(frozen=True, slots=True, eq=False)
class Generation:
    """One answer to write after ``prompt``, by at most ``limit`` tokens (0: none, only the prompt is scored).

    ``chat``: the prompt was rendered by the chat template (and the answer begun, if ``prefilled``); else it is raw
    text. ``likeliest``: how many alternatives to give beside each token's log-probability; None wants neither.
    ``echo``: the prompt's tokens are scored too. ``listener`` is told each new piece of the text, from another thread.
    ``dropped`` is set when nobody waits for the answer any more.
    """

    prompt: tuple[int, ...]
    limit: int
    seed: int
    temperature: float
    stop: tuple[str, ...] = ()
    chat: bool = True
    prefilled: bool = False
    likeliest: int | None = None
    echo: bool = False
    listener: Callable[[str], None] | None = None
    dropped: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's text and log-probability (None for a text's first token), and the likeliest tokens there, with theirs.

    ``special`` tokens stand in no text.
    """

    text: str
    logprob: float | None
    likeliest: tuple[tuple[str, float], ...]
    special: bool


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer. ``tokens`` counts all that were drawn; ``scored`` is empty unless log-probabilities were wanted."""

    text: str
    tokens: int
    prompt_tokens: int
    stop: StopReason
    scored: tuple[TokenLogprob, ...] = ()


class PolicyLane:
    """A policy that answers batches of ``Generation``."""

    def __init__(self, name: str, model: LocalModel) -> None:
        self.name, self.model = name, model
        # A tokenizer can't be used by two threads at once: this one is the worker's.
        self._tokenizer: PreTrainedTokenizerBase = copy.deepcopy(model.tokenizer)
        self._special = frozenset(self._tokenizer.all_special_ids)

    @property
    def budget(self) -> int:
        return self.model.network.row_budget()

    def size(self, item: Generation) -> int:
        return len(item.prompt) + item.limit

    def compute(self, items: Sequence[Generation]) -> list[Generated]:
        """The answers, in order. Raises ``ModelError`` for broken weights."""
        writing = [item for item in items if item.limit]
        wrote = iter(write(self.model.network, [self._job(item) for item in writing], self.model.ends))
        written = [next(wrote) if item.limit else Written() for item in items]
        texts = [self._final(item, answer) for item, answer in zip(items, written, strict=True)]
        scored = self._scored(items, [self._shown(*found) for found in zip(items, written, texts, strict=True)])
        return [
            Generated(text, len(answer.drawn), len(item.prompt), answer.stop, tokens)
            for item, answer, text, tokens in zip(items, written, texts, scored, strict=True)
        ]

    def _job(self, item: Generation) -> Job:
        form = chat_format(self._tokenizer)
        deltas = Deltas([*item.stop, *([form.lead, form.tail] if item.chat else [])])

        def suffices(tokens: list[int]) -> bool:
            if item.dropped.is_set():
                return True
            if not item.stop and item.listener is None:
                return False
            text = self._text(item, tokens, ended=False)
            if any(stop in text for stop in item.stop):
                return True
            piece = deltas.of(text) if item.listener else ""
            if item.listener and piece:
                item.listener(piece)
            return False

        return Job(item.prompt, item.limit, item.seed, item.temperature, suffices)

    def _text(self, item: Generation, tokens: Sequence[int], *, ended: bool) -> str:
        if item.chat:
            return decode_answer(self._tokenizer, item.prompt, tokens, prefilled=item.prefilled, ended=ended)
        return decode_after(self._tokenizer, item.prompt, tokens)

    def _final(self, item: Generation, written: Written) -> str:
        text = self._text(item, written.tokens, ended=written.stop == "end")
        return text[: min((text.index(stop) for stop in item.stop if stop in text), default=len(text))]

    def _shown(self, item: Generation, written: Written, text: str) -> list[int]:
        """The drawn tokens that the text is made of: not the one that ended it, nor any of a stop text."""
        if written.stop != "stop_text" or item.likeliest is None:
            return written.tokens
        count, length = 0, 0
        for piece in token_texts(self._tokenizer, [*item.prompt, *written.tokens], len(item.prompt)):
            if length >= len(text):
                break
            count, length = count + 1, length + len(piece)
        return written.tokens[:count]

    def _scored(self, items: Sequence[Generation], shown: Sequence[list[int]]) -> list[tuple[TokenLogprob, ...]]:
        """The log-probabilities of those that want some, computed together."""
        wanting = [index for index, item in enumerate(items) if item.likeliest is not None]
        passages = [
            Passage((*items[index].prompt, *shown[index]), 1 if items[index].echo else len(items[index].prompt))
            for index in wanting
        ]
        most = max((items[index].likeliest or 0 for index in wanting), default=0)
        found: list[tuple[TokenLogprob, ...]] = [()] * len(items)
        for index, passage, tokens in zip(
            wanting, passages, score_tokens(self.model.network, passages, most), strict=True
        ):
            first = [self._named(passage.tokens, 0, None, 0)] if items[index].echo else []
            found[index] = (
                *first,
                *(
                    self._named(passage.tokens, passage.start + place, token, items[index].likeliest or 0)
                    for place, token in enumerate(tokens)
                ),
            )
        return found

    def _named(self, tokens: Sequence[int], place: int, scored: ScoredToken | None, likeliest: int) -> TokenLogprob:
        before = tokens[max(0, place - 8) : place]
        return TokenLogprob(
            token_text(self._tokenizer, before, tokens[place]),
            None if scored is None else scored.logprob,
            tuple(
                (token_text(self._tokenizer, before, token), value)
                for token, value in (() if scored is None else scored.likeliest[:likeliest])
            ),
            tokens[place] in self._special,
        )
