"""Contamination out: prompts to train on that share a run of words with a held-out one (Brown et al. 2020, App. C).

A policy that was trained on a held-out prompt's own words is not evaluated by it. Exact repeats are one prompt anyway,
and conversations that open alike are on one side (``split``); this finds what is quoted, extended or cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from charter.prompts.words import ngrams
from charter.types import Prompt, SkippedPrompt


def without_overlap(
    prompts: Iterable[Prompt], held_out: Iterable[Prompt], length: int
) -> tuple[list[Prompt], list[SkippedPrompt]]:
    """The prompts that share no ``length`` words in a row with a held-out one, and the others, which say with which."""
    owners: dict[str, str] = {}
    for prompt in held_out:
        for run in ngrams(prompt, length):
            owners.setdefault(run, prompt.id)
    kept: list[Prompt] = []
    gone: list[SkippedPrompt] = []
    for prompt in prompts:
        shared = sorted(owners[run] for run in ngrams(prompt, length) if run in owners)
        if shared:
            reason = f"shares {length} words in a row, or all of its own, with held-out prompt {shared[0]}"
            gone.append(SkippedPrompt(prompt.id, prompt.source, reason))
        else:
            kept.append(prompt)
    return kept, gone
