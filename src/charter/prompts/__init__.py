"""Stage 2: prompts. Read them from files, leave out what can't be answered or is there already, and split them."""

from __future__ import annotations

from charter.prompts.files import prompt_files, source_digest
from charter.prompts.limit import within_context
from charter.prompts.near import without_near_duplicates
from charter.prompts.overlap import without_overlap
from charter.prompts.read import PromptFile, prompt_id, read_prompts
from charter.prompts.source import SourcePrompts, prompts_of_source
from charter.prompts.split import PromptSplit, split_prompts

__all__ = [
    "PromptFile",
    "PromptSplit",
    "SourcePrompts",
    "prompt_files",
    "prompt_id",
    "prompts_of_source",
    "read_prompts",
    "source_digest",
    "split_prompts",
    "within_context",
    "without_near_duplicates",
    "without_overlap",
]
