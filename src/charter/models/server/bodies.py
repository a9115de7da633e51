"""What is sent: requests as the bodies of the OpenAI API's two endpoints, completions and chat.

A chat server can't be made to go on with a started answer (most begin a new turn), so a prefill, and the choices of a
choice request, are asked for in words at the end of the last turn. Completions go on with the very text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from charter.models.base import ChoiceRequest, GenerateRequest
from charter.types import Message

COMPLETIONS, CHAT = "/completions", "/chat/completions"
PREFILL_WORDS = "\n\nBegin your answer with exactly these words, and go on from there: "
CHOICE_WORDS = "\n\nAnswer with exactly one of these, and write nothing else: "
WORDING = (PREFILL_WORDS, CHOICE_WORDS)
SEEDS = 2**31  # several servers keep seeds in 32 bits with a sign
WALK_TOKENS = 12  # tokens within which a choice shows, also after a repeated prefill

Body = Mapping[str, Any]


def chat_body(model: str, request: GenerateRequest) -> Body:
    """A chat completion of ``request``."""
    words = PREFILL_WORDS + request.prefill if request.prefill else ""
    return {"model": model, "messages": _turns(_with_words(request.messages, words)), **_sampling(request)}


def text_body(model: str, text: str, request: GenerateRequest, stop: Sequence[str] = ()) -> Body:
    """A completion of ``text``, which is ``request`` rendered; ``stop`` are the rendering's own ends of a turn."""
    return {"model": model, "prompt": text, **_sampling(request, stop)}


def chat_choice_body(model: str, request: ChoiceRequest, top: int) -> Body:
    """The likeliest answer among the choices, with ``top`` alternatives a token."""
    asked = {"temperature": 0, "max_tokens": WALK_TOKENS, "logprobs": True, "top_logprobs": top}
    return {"model": model, "messages": _turns(choice_messages(request)), **asked}


def walk_body(model: str, text: str, top: int) -> Body:
    """The likeliest continuation of ``text``, with ``top`` alternatives a token."""
    return {"model": model, "prompt": text, "temperature": 0, "max_tokens": WALK_TOKENS, "logprobs": top}


def echo_body(model: str, text: str) -> Body:
    """``text`` itself with its tokens' log-probabilities, and one token more: none is refused, or means no limit."""
    return {"model": model, "prompt": text, "temperature": 0, "max_tokens": 1, "echo": True, "logprobs": 1}


def prompt_logprobs_body(model: str, text: str) -> Body:
    """The same by vLLM's own field, which gives each token of the prompt and no alternatives if asked for 0."""
    return {"model": model, "prompt": text, "temperature": 0, "max_tokens": 1, "prompt_logprobs": 0}


def choice_messages(request: ChoiceRequest) -> tuple[Message, ...]:
    """The turns of a choice request, the last of which says what may be answered."""
    named = " or ".join(choice.strip() for choice in request.choices)
    return _with_words(request.messages, CHOICE_WORDS + named)


def _with_words(messages: Sequence[Message], words: str) -> tuple[Message, ...]:
    *before, last = messages
    return (*before, Message(last.role, last.content + words))


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _sampling(request: GenerateRequest, stop: Sequence[str] = ()) -> dict[str, Any]:
    asked = {"max_tokens": request.max_tokens, "temperature": request.temperature, "seed": request.seed % SEEDS}
    stops = list(dict.fromkeys([*request.stop, *stop]))[:4]  # as many as the API takes; all are cut at here besides
    return {**asked, "stop": stops} if stops else asked
