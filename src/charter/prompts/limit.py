"""Prompts that a model has room to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from charter.errors import PromptError
from charter.types import Message, Prompt, SkippedPrompt


def within_context(
    prompts: Iterable[Prompt],
    count_tokens: Callable[[Sequence[Message]], int],
    context_tokens: int,
    answer_tokens: int,
) -> tuple[tuple[Prompt, ...], tuple[SkippedPrompt, ...]]:
    """The prompts that leave ``answer_tokens`` of the context free, and the others with their reason.

    ``count_tokens`` measures rendered messages, as a model's own method does. Raises ``PromptError`` if none is left.
    """
    room = context_tokens - answer_tokens
    kept: list[Prompt] = []
    skipped: list[SkippedPrompt] = []
    for prompt in prompts:
        length = count_tokens(prompt.conversation.messages)
        if length <= room:
            kept.append(prompt)
        else:
            reason = f"{length} tokens, where the model's context leaves {max(room, 0)}"
            skipped.append(SkippedPrompt(prompt.id, prompt.source, reason))
    if not kept:
        raise PromptError(
            f"none of {len(skipped)} prompts fits into the model's context of {context_tokens} tokens, "
            f"of which {answer_tokens} are for the answer",
            "Use shorter prompts, shorter answers (max_tokens), or a model with a longer context.",
        )
    return tuple(kept), tuple(skipped)
