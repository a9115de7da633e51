"""What comes back, read without trust: any field may be missing, of another type, or somebody's joke."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from charter.models.base import GenerateRequest
from charter.types import Completion, StopReason

Data = Mapping[str, Any]
TAIL = 24  # characters by which the end of an echo is recognised


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens shown and written, as the server counts them; None where it doesn't say."""

    prompt: int | None
    completion: int | None


@dataclass(frozen=True, slots=True)
class Position:
    """One token that was written: its text, its log-probability (nats), and those of it and its alternatives."""

    token: str
    logprob: float
    top: Mapping[str, float]


def first_choice(data: Data | None) -> Data | None:
    """The first of the reply's choices; None if it has none."""
    choices = _list((data or {}).get("choices"))
    return _mapping(choices[0]) if choices else None


def usage_of(data: Data) -> Usage:
    counted = _mapping(data.get("usage")) or {}
    return Usage(_count(counted.get("prompt_tokens")), _count(counted.get("completion_tokens")))


def text_of(choice: Data) -> str:
    """The answer's text. A refusal's words are its text; a server that wrote nothing may give null."""
    message = _mapping(choice.get("message"))
    found = choice.get("text") if message is None else message.get("content") or message.get("refusal")
    return found if isinstance(found, str) else ""


def completion_of(data: Data, request: GenerateRequest, model: str, estimate: Usage, stop: Sequence[str]) -> Completion:
    """The completion, cut at the stop texts whatever the server did. ``estimate`` serves where it counts nothing."""
    choice, usage = first_choice(data) or {}, usage_of(data)
    text = _without_prefill(text_of(choice), request.prefill)
    cuts = [text.index(end) for end in request.stop if end in text]
    turns = [text.index(end) for end in stop if end in text]  # the rendering's ends of a turn are plain ends
    reason: StopReason = "length" if choice.get("finish_reason") == "length" else "end"
    if (cuts and min(cuts) <= min(turns, default=len(text))) or choice.get("stop_reason") in request.stop:
        reason = "stop_text"
    return Completion(
        text=text[: min([*cuts, *turns])] if cuts or turns else text,
        tokens=(estimate.completion or 0) if usage.completion is None else usage.completion,
        prompt_tokens=(estimate.prompt or 0) if usage.prompt is None else usage.prompt,
        stop="end" if reason == "length" and turns else reason,
        model=model,
    )


def positions_of(choice: Data | None) -> list[Position]:
    """The written tokens with their alternatives, in the chat API's form or the older one; empty if there are none."""
    logprobs = _mapping((choice or {}).get("logprobs")) or {}
    content = [entry for entry in map(_mapping, _list(logprobs.get("content"))) if entry is not None]
    if content:
        return [_chat_position(entry) for entry in content]
    tokens, values = _list(logprobs.get("tokens")), _list(logprobs.get("token_logprobs"))
    tops = _list(logprobs.get("top_logprobs"))
    found: list[Position] = []
    for index, (token, value) in enumerate(zip(tokens, values, strict=False)):
        top = (_mapping(tops[index]) if index < len(tops) else None) or {}
        found.append(_position(token, value, top.items()))
    return found


def echoed(choice: Data | None, whole: str, end: str) -> float | None:
    """The log-probability of ``end`` in the echo of ``whole``, which ends with it; None if the reply doesn't hold it.

    The tokens are found by their texts, from the end: servers count the offsets that they also give in different ways.
    """
    logprobs = _mapping((choice or {}).get("logprobs")) or {}
    tokens, values = _list(logprobs.get("tokens")), _list(logprobs.get("token_logprobs"))
    pairs = list(zip(tokens, values, strict=False))
    for num_written in (1, 0, 2):  # one token was asked for; an end of text may count as none, or as one more
        kept = pairs[: len(pairs) - num_written]
        last = "".join(str(token) for token, _ in kept[-TAIL:])
        if last and last.endswith(whole[-TAIL:]):
            return _sum_at_end(kept, end)
    return None


def tail_logprob(choice: Data | None, end: str) -> float | None:
    """The log-probability of ``end``, with which the prompt ends, from vLLM's ``prompt_logprobs``; None without it."""
    pairs: list[tuple[Any, Any]] = []
    for entry in _list((choice or {}).get("prompt_logprobs")):
        found = _mapping(next(iter((_mapping(entry) or {}).values()), None)) or {}  # the prompt's own token comes first
        pairs.append((found.get("decoded_token"), found.get("logprob")))
    return _sum_at_end(pairs, end)


def _sum_at_end(pairs: Sequence[tuple[Any, Any]], end: str) -> float | None:
    """The log-probabilities of the last tokens, as many as make up ``end``; one that reaches over it counts whole.

    None if the tokens aren't its text, or have no figures.
    """
    rest, total = end, 0.0
    for token, value in reversed(pairs):
        if not isinstance(token, str) or not token or not _is_logprob(value):
            return None
        if not (rest.endswith(token) or token.endswith(rest)):
            return None
        total, rest = total + value, rest[: max(0, len(rest) - len(token))]
        if not rest:
            return total
    return None


def _chat_position(entry: Data) -> Position:
    top = [item for item in map(_mapping, _list(entry.get("top_logprobs"))) if item is not None]
    return _position(entry.get("token"), entry.get("logprob"), [(i.get("token"), i.get("logprob")) for i in top])


def _position(token: object, value: object, alternatives: Any) -> Position:
    text, logprob = (token if isinstance(token, str) else ""), _number(value)
    top = {name: _number(number) for name, number in alternatives if isinstance(name, str) and _is_logprob(number)}
    return Position(text, logprob, {**top, text: logprob})


def _without_prefill(text: str, prefill: str) -> str:
    """``text`` without the words that it was asked to begin with: the completion doesn't repeat them."""
    begun = text.lstrip()
    return begun.removeprefix(prefill) if prefill and begun.startswith(prefill) else text


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and _is_logprob(value) else -math.inf


def _is_logprob(value: object) -> bool:
    """A number that can be one: rounding may lift it a little above 0."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value <= 1e-3


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _mapping(value: object) -> Data | None:
    return cast("Data", value) if isinstance(value, dict) else None


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
