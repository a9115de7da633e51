"""Prompts, read from files. ``rows`` opens them, ``columns`` finds the turns in a row, ``turns`` makes the prompt.

Text (HH format, JSONL, a JSON list, plain lines; each perhaps gzipped), CSV, Parquet, Arrow, and folders of them.
Rows are streamed: what grows with the file is the distinct prompts alone.

A row that holds nothing to answer is skipped, with its reason; a file that isn't what it seems is an error, and so is
one whose rows hold their prompts in different columns: then some would be read from the wrong one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from charter.digests import digest_of
from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.columns import Turns, category_of, format_of, kind_of, turns_of
from charter.prompts.files import prompt_files
from charter.prompts.rows import rows_of
from charter.prompts.turns import conversation_from
from charter.types import Conversation, Message, Prompt, PromptKind, SkippedPrompt

_ID_LENGTH = 16  # hexadecimal digits of the conversation's digest
SHOWN_SKIPPED = 1000  # skipped rows that are named; the others are counted alone, so that they take no memory


@dataclass(frozen=True, slots=True)
class PromptFile:
    """What a source held: distinct prompts in its order, how many rows repeated one, and the rows that were skipped.

    ``skipped`` names the first ``SHOWN_SKIPPED`` of ``num_skipped``.
    """

    prompts: tuple[Prompt, ...]
    duplicates: int
    skipped: tuple[SkippedPrompt, ...]
    num_skipped: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: its place, its turns or the reason why it has none, and what it says of itself."""

    place: str
    turns: Turns
    kind: PromptKind
    category: str


def read_prompts(path: Path, kind: PromptKind = "red_team", column: str | None = None) -> PromptFile:
    """All prompts of a file or folder. ``kind`` holds for rows that don't say theirs; ``column`` names the one to read.

    Every prompt is marked "train": ``split_prompts`` decides. Raises ``PromptError`` with the line at fault, and if no
    prompt is left.
    """
    prompts: dict[str, Prompt] = {}
    skipped: list[SkippedPrompt] = []
    reasons: Counter[str] = Counter()
    rows = 0
    for row in _rows(path, kind, column):
        rows += 1
        conversation = row.turns if isinstance(row.turns, str) else conversation_from(row.turns)
        if isinstance(conversation, str):
            reasons[conversation] += 1
            if len(skipped) < SHOWN_SKIPPED:
                skipped.append(SkippedPrompt(row.place, path.name, conversation))
            continue
        prompt = Prompt(prompt_id(conversation), conversation, row.kind, row.category, path.name, "train")
        prompts.setdefault(prompt.id, prompt)
    if not prompts:
        raise PromptError(f"{printable(str(path))} holds no prompt{_listed(reasons)}", "Name another prompts.source.")
    num_skipped = reasons.total()
    return PromptFile(tuple(prompts.values()), rows - num_skipped - len(prompts), tuple(skipped), num_skipped)


def prompt_id(conversation: Conversation) -> str:
    """A prompt's identity is its conversation, so that the same one has the same id in whatever file."""
    return digest_of(conversation)[:_ID_LENGTH]


def _listed(reasons: Counter[str]) -> str:
    listed = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common())
    return f": {reasons.total()} rows were skipped ({listed})" if reasons else " at all"


def _rows(source: Path, kind: PromptKind, column: str | None) -> Iterator[_Row]:
    files = prompt_files(source)
    first: tuple[tuple[str, ...], str] | None = None  # the columns of the first row that had any, and its place
    for path in files:
        for number, row in rows_of(path, column):
            place = f"{printable(str(path))}, {number}"
            line = number.replace(" ", "-")
            name = line if files == (source,) else f"{path.name}/{line}"
            if isinstance(row, str):
                yield _Row(name, (Message("user", row),), kind, "")
                continue
            names = format_of(row, column, place)
            first = first or ((names, place) if names else None)
            if first and names and names != first[0]:
                raise PromptError(
                    f"{place}: its prompt is in {' and '.join(names)}, that of {first[1]} in {' and '.join(first[0])}",
                    "A file holds one format. Split it, or name the column: --set prompts.column=NAME.",
                )
            yield _Row(name, turns_of(row, names, place), kind_of(row, kind, place), category_of(row, names, place))
