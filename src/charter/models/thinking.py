"""Thoughts: what some models write to themselves before they answer, between two marks of their template.

Templates are told not to let the model think. Some do so all the same, so that what was thought is cut off here: it
stays in the record, and neither judge nor training sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands before and after thoughts, and the token of the latter, if it is a single one."""

    open: str
    close: str
    close_token: int | None


KNOWN = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))  # Qwen, DeepSeek and others; Mistral


def thinking_marks(tokenizer: PreTrainedTokenizerBase) -> Marks | None:
    """The marks that a tokenizer's template or its added tokens have; None for a model that doesn't think."""
    added = {token.content: number for number, token in tokenizer.added_tokens_decoder.items()}
    template = str(tokenizer.get_chat_template())
    for opening, closing in KNOWN:
        if opening in added or opening in template:
            return Marks(opening, closing, added.get(closing))
    return None


def cut_thoughts(text: str, marks: Marks | None, *, opened: bool) -> tuple[str, str]:
    """A written turn as (thoughts, answer), without the marks and the space around them.

    ``opened``: the prompt had begun the thoughts. Thoughts that never end leave an empty answer. A turn that begins
    with neither mark nor thoughts is all answer.
    """
    if marks is None:
        return "", text
    begins = text.lstrip().startswith(marks.open)
    if not (opened or begins):
        return "", text
    thoughts, found, answer = text.partition(marks.close)
    thoughts = thoughts.lstrip().removeprefix(marks.open) if begins else thoughts
    return (thoughts.strip(), answer.lstrip("\n")) if found else (thoughts.strip(), "")


def count_thoughts(drawn: Sequence[int], marks: Marks | None) -> int:
    """How many of a turn's tokens are thoughts, the closing mark included; 0 where that can't be told by a token."""
    close = None if marks is None else marks.close_token
    return 0 if close is None or close not in drawn else len(drawn) - list(reversed(drawn)).index(close)
