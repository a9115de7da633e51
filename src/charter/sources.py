"""Where a run's prompts come from, and what is known to be true of answers to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.errors import PromptError
from charter.models.names import WORLD
from charter.recipe import Prompts
from charter.types import Prompt, Reading

if TYPE_CHECKING:
    from charter.prompts import SourcePrompts

Reader = Callable[[Prompt, str], Reading]


def source_prompts(settings: Prompts, seed: int) -> SourcePrompts:
    """Train and evaluation prompts of the recipe's source. Raises ``PromptError``."""
    from charter.prompts import SourcePrompts, prompts_of_source

    if settings.source != WORLD:
        return prompts_of_source(settings, seed)
    from charter.world.prompts import evaluation_prompts, train_prompts

    train = train_prompts(settings.red_team, settings.helpful, seed)
    return SourcePrompts((*train, *evaluation_prompts(settings.evaluation, seed)), {}, 0, ())


def made_from_source(settings: Prompts) -> dict[str, Any]:
    """What decides the prompts: how files are read decides nothing about the small world's, and a file counts by its
    content."""
    names = {"red_team", "helpful", "evaluation"}
    is_world = settings.source == WORLD
    chosen = settings.model_dump(include=names) if is_world else settings.model_dump(exclude={"source"})
    return {"recipe.prompts": chosen, "source": _digest(settings.source)}


def require_both_sides(prompts: Sequence[Prompt]) -> None:
    """Raises ``PromptError`` unless something is left to train and to evaluate on."""
    for split in ("train", "evaluation"):
        if not any(prompt.split == split for prompt in prompts):
            raise PromptError(
                f"no prompt to use for {split} fits into the model's context",
                "Use shorter prompts, a lower revision.max_tokens, or a model with a longer context.",
            )


def reader_of(settings: Prompts) -> Reader | None:
    """The truth, where there is one: the small world's reader for the small world's prompts."""
    if settings.source != WORLD:
        return None
    from charter.world.reader import read

    return lambda prompt, text: read(prompt.conversation.last_user_text, text)


def _digest(source: str) -> str:
    if source == WORLD:
        from charter.digests import digest_of_file
        from charter.world.lexicon import VOCABULARY

        return digest_of_file(VOCABULARY)
    from charter.prompts import source_digest

    return source_digest(Path(source))
