"""What stage 1 takes from a prompt file by the recipe: read, near-duplicates out, split, contamination out, counted.

This is for files. The small world's prompts are made, not read, and share long runs of words by construction; their
split is by topic, and nothing here touches them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from charter.prompts.near import without_near_duplicates
from charter.prompts.read import read_prompts
from charter.prompts.split import split_prompts
from charter.recipe import Prompts
from charter.types import Prompt, SkippedPrompt


@dataclass(frozen=True, slots=True)
class SourcePrompts:
    """The prompts of both sides, what was counted on the way, and what was left out with the reason.

    ``num_skipped`` rows held nothing to answer; ``left_out`` names the first of them, and every near-duplicate and
    contaminated prompt.
    """

    prompts: tuple[Prompt, ...]
    counts: Mapping[str, int]
    num_skipped: int
    left_out: tuple[SkippedPrompt, ...]


def prompts_of_source(settings: Prompts, seed: int) -> SourcePrompts:
    """The prompts of ``settings.source``. Raises ``PromptError``."""
    file = read_prompts(Path(settings.source), settings.kind, settings.column)
    prompts, near = file.prompts, ()
    if settings.near_duplicates is not None:
        prompts, near = without_near_duplicates(prompts, settings.near_duplicates, seed)
    split = split_prompts(prompts, settings, seed)
    return SourcePrompts(
        prompts=(*split.train, *split.evaluation),
        counts={
            "duplicates": file.duplicates,
            "near_duplicates": len(near),
            "contaminated": len(split.contaminated),
            **{f"missing {name}": count for name, count in split.missing.items()},
        },
        num_skipped=file.num_skipped,
        left_out=(*file.skipped, *near, *split.contaminated),
    )
