"""Which prompts are trained on, which are held out, and which are left over.

A prompt's place follows from the seed and its own words, so that neither the file's order nor other rows' order matter.
Conversations that open with the same user turn stay on one side: HH data holds the same conversation at several
lengths, and a policy must not be evaluated on the continuation of what it was trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from charter.errors import PromptError
from charter.prompts.overlap import without_overlap
from charter.recipe import Prompts as PromptCounts
from charter.seeds import derive_seed
from charter.types import Prompt, PromptKind, SkippedPrompt


@dataclass(frozen=True, slots=True)
class PromptSplit:
    """Prompts by side, each in a shuffled order of its own.

    ``missing`` counts what was asked for and not there. ``contaminated`` prompts are on neither side: they share words
    with held-out ones.
    """

    train: tuple[Prompt, ...]
    evaluation: tuple[Prompt, ...]
    missing: dict[str, int]
    contaminated: tuple[SkippedPrompt, ...]


def split_prompts(prompts: Sequence[Prompt], counts: PromptCounts, seed: int) -> PromptSplit:
    """At most the recipe's counts on either side. Where a file has fewer prompts, both sides shrink in proportion.

    Prompts that share ``counts.overlap_words`` words in a row with a held-out one are not trained on.
    Raises ``PromptError`` unless at least one red-team prompt is left to train on and one prompt to evaluate on.
    """
    distinct = {prompt.id: prompt for prompt in prompts}.values()
    held_out, rest = _held_out(_groups(distinct, seed), _evaluation_count(distinct, counts))
    contaminated: list[SkippedPrompt] = []
    if counts.overlap_words is not None:
        rest, contaminated = without_overlap(rest, held_out, counts.overlap_words)
    red_team = _of_kind(rest, "red_team")[: counts.red_team]
    helpful = _of_kind(rest, "helpful")[: counts.helpful]
    if not red_team or not held_out:
        raise PromptError(
            f"{len(distinct)} distinct prompts ({_by_kind(distinct)}) are too few to train and to evaluate on",
            "A run needs red-team prompts on both sides: give a longer prompts.source, or lower prompts.evaluation.",
        )
    asked = {"red_team": counts.red_team, "helpful": counts.helpful, "evaluation": counts.evaluation}
    got = {"red_team": len(red_team), "helpful": len(helpful), "evaluation": len(held_out)}
    return PromptSplit(
        train=tuple(replace(prompt, split="train") for prompt in (*red_team, *helpful)),
        evaluation=tuple(replace(prompt, split="evaluation") for prompt in held_out),
        missing={name: asked[name] - got[name] for name in asked if got[name] < asked[name]},
        contaminated=tuple(contaminated),
    )


def _groups(prompts: Iterable[Prompt], seed: int) -> list[list[Prompt]]:
    """Prompts by their opening turn, groups and members in the order of their seeds."""
    groups: dict[str, list[Prompt]] = {}
    for prompt in sorted(prompts, key=lambda prompt: (derive_seed(seed, "split prompt", prompt.id), prompt.id)):
        groups.setdefault(_opening(prompt), []).append(prompt)
    return sorted(groups.values(), key=lambda group: derive_seed(seed, "split opening", _opening(group[0])))


def _opening(prompt: Prompt) -> str:
    return next(message.content for message in prompt.conversation.messages if message.role == "user")


def _evaluation_count(prompts: Iterable[Prompt], counts: PromptCounts) -> int:
    """As many as the recipe asks, or the same share of what there is if that is less than the recipe asks in all."""
    there = Counter(prompt.kind for prompt in prompts)
    total = sum(there.values())
    asked = counts.evaluation + min(counts.red_team, there["red_team"]) + min(counts.helpful, there["helpful"])
    return counts.evaluation if total >= asked else max(1, total * counts.evaluation // asked)


def _held_out(groups: list[list[Prompt]], count: int) -> tuple[list[Prompt], list[Prompt]]:
    """The first groups that fit into ``count`` prompts, and the others."""
    held_out: list[Prompt] = []
    rest: list[Prompt] = []
    for group in groups:
        side = held_out if len(held_out) + len(group) <= count else rest
        side.extend(group)
    return held_out, rest


def _of_kind(prompts: Iterable[Prompt], kind: PromptKind) -> list[Prompt]:
    return [prompt for prompt in prompts if prompt.kind == kind]


def _by_kind(prompts: Iterable[Prompt]) -> str:
    counts = Counter(prompt.kind for prompt in prompts)
    return ", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts)) or "none"
