"""Prompt files, read: HH format, JSONL, plain lines, each perhaps gzipped.

A row of JSON is read by what it holds, in this order: the column that was named; ``prompt``; ``messages``; ``chosen``
and ``rejected`` (HH format: two transcripts, whose shared turns up to the user's last are the prompt). A column holds a
text, a transcript with "\\n\\nHuman:" turns, or a list of ``{"role": ..., "content": ...}``. A row may give its own
``kind`` ("red_team", "helpful") and ``category``.

A row that holds nothing to answer is skipped, with its reason; a file that isn't what it seems is an error.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from charter.digests import digest_of
from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.lines import numbered_lines
from charter.prompts.turns import conversation_from, is_transcript, shared_turns, turns_of_transcript
from charter.types import Conversation, Message, Prompt, PromptKind, Role, SkippedPrompt

_JSON_LINES = {".jsonl", ".ndjson", ".json"}
_PLAIN_LINES = {"", ".txt", ".text", ".lst"}
_ID_LENGTH = 16  # hexadecimal digits of the conversation's digest


@dataclass(frozen=True, slots=True)
class PromptFile:
    """What a file held: distinct prompts in file order, how many rows repeated one, and the rows that were skipped."""

    prompts: tuple[Prompt, ...]
    duplicates: int
    skipped: tuple[SkippedPrompt, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: its turns, and what it says of itself."""

    turns: tuple[Message, ...]
    kind: PromptKind
    category: str


def read_prompts(path: Path, kind: PromptKind = "red_team", column: str | None = None) -> PromptFile:
    """All prompts of a file. ``kind`` holds for rows that don't say theirs; ``column`` names the one to read in JSONL.

    Every prompt is marked "train": ``split_prompts`` decides. Raises ``PromptError`` with the line at fault, and if no
    prompt is left.
    """
    prompts: dict[str, Prompt] = {}
    skipped: list[SkippedPrompt] = []
    rows = 0
    for number, row in _rows(path, kind, column):
        rows += 1
        conversation = conversation_from(row.turns)
        if isinstance(conversation, str):
            skipped.append(SkippedPrompt(f"line-{number}", path.name, conversation))
            continue
        prompt = Prompt(prompt_id(conversation), conversation, row.kind, row.category, path.name, "train")
        prompts.setdefault(prompt.id, prompt)
    if not prompts:
        raise PromptError(f"{printable(str(path))} holds no prompt{_reasons(skipped)}", "Name another prompts.source.")
    return PromptFile(tuple(prompts.values()), rows - len(skipped) - len(prompts), tuple(skipped))


def prompt_id(conversation: Conversation) -> str:
    """A prompt's identity is its conversation, so that the same one has the same id in whatever file."""
    return digest_of(conversation)[:_ID_LENGTH]


def _reasons(skipped: list[SkippedPrompt]) -> str:
    counts = Counter(row.reason for row in skipped)
    listed = ", ".join(f"{count} × {reason}" for reason, count in counts.most_common())
    return f": {len(skipped)} rows were skipped ({listed})" if skipped else " at all"


def _rows(path: Path, kind: PromptKind, column: str | None) -> Iterator[tuple[int, _Row]]:
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix in _JSON_LINES:
        for number, line in numbered_lines(path):
            yield number, _json_row(line, kind, column, f"{printable(str(path))}, line {number}")
    elif suffix in _PLAIN_LINES:
        for number, line in numbered_lines(path):
            yield number, _Row((Message("user", line),), kind, "")
    else:
        known = ", ".join(sorted(_JSON_LINES | (_PLAIN_LINES - {""})))
        raise PromptError(
            f"{printable(str(path))}: a file named *{printable(suffix)} is not one that prompts are read from",
            f"Give JSON lines or plain lines ({known}; each also .gz).",
        )


def _json_row(line: str, kind: PromptKind, column: str | None, place: str) -> _Row:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as found:
        raise PromptError(f"{place}: not JSON ({found})", "A .jsonl file holds one JSON object a line.") from None
    if not isinstance(row, dict):
        raise PromptError(f"{place}: not a JSON object", "A .jsonl file holds one JSON object a line.")
    row = cast(dict[str, Any], row)
    kind = row.get("kind", kind)
    if kind not in get_args(PromptKind):
        raise PromptError(f"{place}: kind is {_given(kind)}", f"Write one of {', '.join(get_args(PromptKind))}.")
    category = row.get("category", "")
    if not isinstance(category, str):
        raise PromptError(f"{place}: category is {_given(category)}", "Write it as text.")
    return _Row(_row_turns(row, column, place), kind, category)


def _row_turns(row: dict[str, Any], column: str | None, place: str) -> tuple[Message, ...]:
    for name in ("prompt", "messages") if column is None else (column,):
        if name in row:
            return _turns(row, name, place)
    if column is None and "chosen" in row and "rejected" in row:
        return shared_turns(_turns(row, "chosen", place), _turns(row, "rejected", place))
    wanted = f"no column {printable(column)!r}" if column else "neither prompt, nor messages, nor chosen and rejected"
    raise PromptError(f"{place}: {wanted}", f"Its columns are: {printable(', '.join(row)) or 'none'}.")


def _turns(row: dict[str, Any], column: str, place: str) -> tuple[Message, ...]:
    value = row[column]
    if isinstance(value, str):
        return turns_of_transcript(value) if is_transcript(value) else (Message("user", value),)
    if isinstance(value, list):
        return tuple(_message(turn, f"{place}: {printable(column)}") for turn in cast(list[Any], value))
    raise PromptError(f"{place}: {printable(column)} is {_given(value)}", "Write a text or a list of messages.")


def _message(turn: Any, place: str) -> Message:
    fields = cast(dict[str, Any], turn) if isinstance(turn, dict) else {}
    role, content = fields.get("role"), fields.get("content")
    if role not in get_args(Role) or not isinstance(content, str):
        advice = f'Write {{"role": ..., "content": "..."}} with one of the roles {", ".join(get_args(Role))}.'
        raise PromptError(f"{place} holds a message that can't be read: {_given(turn)}", advice)
    return Message(cast(Role, role), content)


def _given(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= 60 else text[:60] + "…"
