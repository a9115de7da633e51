"""Stage 2: prompts. Read them from a file, leave out what can't be answered, split them into train and evaluation."""

from __future__ import annotations

from charter.prompts.limit import within_context
from charter.prompts.read import PromptFile, prompt_id, read_prompts
from charter.prompts.split import PromptSplit, split_prompts

__all__ = [
    "PromptFile",
    "PromptSplit",
    "prompt_id",
    "read_prompts",
    "split_prompts",
    "within_context",
]
