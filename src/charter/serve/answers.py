"""Answers in OpenAI's form, whole or in chunks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from charter.serve.deltas import PARTIAL
from charter.serve.policies import Generated, TokenLogprob
from charter.types import StopReason

LOWEST = -9999.0  # JSON has no infinity
FINISH: dict[StopReason, str] = {"end": "stop", "stop_text": "stop", "length": "length"}


@dataclass(frozen=True, slots=True)
class Heading:
    """What every answer to one request begins with. ``digest`` is that of the policy."""

    id: str
    model: str
    digest: str
    created: int

    @classmethod
    def now(cls, id: str, model: str, digest: str) -> Heading:
        return cls(id, model, digest, int(time.time()))

    def fields(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": f"charter-{self.digest[:16]}",
        }


def usage(answers: Sequence[Generated], prompts: int) -> dict[str, int]:
    """Token counts. The samples of a prompt stand together, and its tokens count once."""
    samples = len(answers) // prompts
    prompt_tokens = sum(answer.prompt_tokens for answer in answers[::samples])
    completion_tokens = sum(answer.tokens for answer in answers)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


class ChatForm:
    """``/v1/chat/completions``."""

    whole, piece = "chat.completion", "chat.completion.chunk"

    def choice(self, index: int, answer: Generated, wants_logprobs: bool) -> dict[str, Any]:
        return {
            "index": index,
            "message": {"role": "assistant", "content": answer.text, "refusal": None},
            "logprobs": self._logprobs(answer) if wants_logprobs else None,
            "finish_reason": FINISH[answer.stop],
        }

    def opening(self, index: int) -> dict[str, Any] | None:
        return self._delta(index, {"role": "assistant", "content": ""})

    def delta(self, index: int, text: str) -> dict[str, Any]:
        return self._delta(index, {"content": text})

    def ending(self, index: int, answer: Generated, wants_logprobs: bool) -> dict[str, Any]:
        """The last chunk of a choice. It brings all log-probabilities: they are computed when the text is complete."""
        found = self._delta(index, {})
        found["finish_reason"] = FINISH[answer.stop]
        found["logprobs"] = self._logprobs(answer) if wants_logprobs else None
        return found

    def _delta(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}

    def _logprobs(self, answer: Generated) -> dict[str, Any]:
        return {"content": [self._entry(token) for token in answer.scored], "refusal": None}

    def _entry(self, token: TokenLogprob) -> dict[str, Any]:
        top = [_token(text, value) for text, value in token.likeliest]
        return {**_token(token.text, token.logprob or 0.0), "top_logprobs": top}


class TextForm:
    """``/v1/completions``. ``echoed`` are the prompts' texts, which stand before their samples where that is asked."""

    whole, piece = "text_completion", "text_completion"

    def __init__(self, prompts: Sequence[str], samples: int, *, echo: bool) -> None:
        self._prompts, self._samples, self._echo = prompts, samples, echo

    def choice(self, index: int, answer: Generated, wants_logprobs: bool) -> dict[str, Any]:
        prompt = self._prompts[index // self._samples]
        return {
            "index": index,
            "text": prompt + answer.text if self._echo else answer.text,
            "logprobs": self._logprobs(prompt, answer) if wants_logprobs else None,
            "finish_reason": FINISH[answer.stop],
        }

    def opening(self, index: int) -> dict[str, Any] | None:
        del index  # a continuation has no role to announce
        return None

    def delta(self, index: int, text: str) -> dict[str, Any]:
        return {"index": index, "text": text, "logprobs": None, "finish_reason": None}

    def ending(self, index: int, answer: Generated, wants_logprobs: bool) -> dict[str, Any]:
        return {**self.choice(index, answer, wants_logprobs), "text": ""}

    def _logprobs(self, prompt: str, answer: Generated) -> dict[str, Any]:
        """Offsets count characters from the prompt's first; a special token takes none."""
        offset = 0 if self._echo else len(prompt)
        offsets: list[int] = []
        for token in answer.scored:
            offsets.append(offset)
            offset += 0 if token.special else len(token.text)
        return {
            "tokens": [token.text for token in answer.scored],
            "token_logprobs": [None if token.logprob is None else _number(token.logprob) for token in answer.scored],
            "top_logprobs": [_by_text(token) for token in answer.scored],
            "text_offset": offsets,
        }


def _by_text(token: TokenLogprob) -> dict[str, float] | None:
    """The likeliest tokens and the token itself. Of tokens that read alike, the likeliest counts."""
    if token.logprob is None:
        return None
    found: dict[str, float] = {}
    for text, value in (*token.likeliest, (token.text, token.logprob)):
        found.setdefault(text, _number(value))
    return found


def _token(text: str, logprob: float) -> dict[str, Any]:
    """Its bytes are unknown where the token is a part of a character."""
    known = None if PARTIAL in text else list(text.encode("utf-8", "replace"))
    return {"token": text, "logprob": _number(logprob), "bytes": known}


def _number(logprob: float) -> float:
    return max(LOWEST, logprob)
