"""Turns from a row's columns, whichever way the row says them.

What is looked for, in this order, unless a column is named:

=======================  =====================================================================================
``prompt``               a text, a transcript with "\\n\\nHuman:" turns, or a list of messages
``messages``             OpenAI's list of ``{"role": ..., "content": ...}``
``conversations``        ShareGPT's list of ``{"from": ..., "value": ...}``
``chosen``, ``rejected`` HH format: what both have in common, up to the user's last turn, is the prompt
``transcript``           HH's red-team transcripts, with their ``tags`` as the category
=======================  =====================================================================================

Any of these columns may hold any of these values, and so may the named one. In CSV a list stands as JSON in its cell.
A null is as good as no value. A turn that is a tool's, or holds more than text, is nothing that Charter's policies are
asked: such a row is skipped with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.turns import is_transcript, shared_turns, turns_of_transcript
from charter.types import Message, PromptKind, Role

Turns = tuple[Message, ...] | str  # the turns, or the reason why there are none
_FORMATS = (("prompt",), ("messages",), ("conversations",), ("chosen", "rejected"), ("transcript",))
_ABOUT = ("kind", "category", "tags")
_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
    "model": "assistant",
}  # fmt: skip
_TOOLS = frozenset({"tool", "function", "function_call", "function_response", "observation", "ipython"})
_NOTHING = "nothing in the columns that hold prompts"


def columns_to_read(names: Sequence[str], column: str | None, place: str) -> list[str]:
    """Those of a table's columns that reading a row needs. Raises ``PromptError`` if none can hold a prompt."""
    formats = _formats_in(names, column, place)
    wanted = {name for columns in formats for name in columns} | set(_ABOUT)
    return [name for name in names if name in wanted]


def format_of(row: Mapping[str, Any], column: str | None, place: str) -> tuple[str, ...]:
    """The columns in which this row holds its prompt; none if all are null. Raises ``PromptError`` if it has none."""
    filled = [names for names in _formats_in(row, column, place) if all(row[name] is not None for name in names)]
    return filled[0] if filled else ()


def turns_of(row: Mapping[str, Any], names: tuple[str, ...], place: str) -> Turns:
    """The turns in those columns. Raises ``PromptError`` for a value that holds none of the forms above."""
    read = [_turns(row[name], name, place) for name in names]
    for turns in read:
        if isinstance(turns, str):
            return turns
    if len(read) == 2:
        return shared_turns(cast(tuple[Message, ...], read[0]), cast(tuple[Message, ...], read[1]))
    return read[0] if read else _NOTHING


def kind_of(row: Mapping[str, Any], kind: PromptKind, place: str) -> PromptKind:
    """What the row says of itself, or ``kind``. Raises ``PromptError`` for what isn't a kind."""
    said = row.get("kind")
    if said is not None and said not in get_args(PromptKind):
        raise PromptError(f"{place}: kind is {_given(said)}", f"Write one of {', '.join(get_args(PromptKind))}.")
    return kind if said is None else said


def category_of(row: Mapping[str, Any], names: tuple[str, ...], place: str) -> str:
    """The row's word for its sort; of a transcript, its tags. Raises ``PromptError`` for what isn't text."""
    tags = row.get("tags") if names == ("transcript",) else None
    if isinstance(tags, list) and row.get("category") is None:
        return ", ".join(str(tag) for tag in cast(list[Any], tags))
    category = row.get("category")
    if category is not None and not isinstance(category, str):
        raise PromptError(f"{place}: category is {_given(category)}", "Write it as text.")
    return category or ""


def _formats_in(names: Mapping[str, Any] | Sequence[str], column: str | None, place: str) -> list[tuple[str, ...]]:
    known = _FORMATS if column is None else ((column,),)
    found = [columns for columns in known if all(name in names for name in columns)]
    if found:
        return found
    wanted = "none of prompt, messages, conversations, chosen with rejected, transcript"
    missing = f"no column {printable(column)!r}" if column else wanted
    there = printable(", ".join(names)) or "none"
    raise PromptError(f"{place}: {missing}", f"Its columns are: {there}. Name one: --set prompts.column=NAME.")


def _turns(value: Any, column: str, place: str) -> Turns:
    if isinstance(value, str) and value.startswith("[") and column in ("messages", "conversations"):
        value = _json(value, column, place)
    if isinstance(value, str):
        return turns_of_transcript(value) if is_transcript(value) else (Message("user", value),)
    if isinstance(value, dict):
        value = _transposed(cast(dict[str, Any], value))
    if not isinstance(value, list):
        raise PromptError(f"{place}: {printable(column)} is {_given(value)}", "Write a text or a list of messages.")
    messages: list[Message] = []
    for turn in cast(list[Any], value):
        message = _message(turn, f"{place}: {printable(column)}")
        if isinstance(message, str):
            return message
        messages.append(message)
    return tuple(messages)


def _json(text: str, column: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as found:
        raise PromptError(f"{place}: {printable(column)} is not JSON ({found})", "Write the list as JSON.") from None


def _transposed(value: dict[str, Any]) -> Any:
    """A list of structs, where older versions of ``datasets`` stored it as a struct of lists; else the value itself."""
    columns = list(value.values())
    if not columns or not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        return value
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _message(turn: Any, place: str) -> Message | str:
    fields = cast(dict[str, Any], turn) if isinstance(turn, dict) else {}
    names = ("from", "value") if fields.get("role") is None and "from" in fields else ("role", "content")
    role, content = (fields.get(name) for name in names)
    role = role if isinstance(role, str) else ""
    if role in _TOOLS:
        return "holds a tool's turn"
    text = _text(content) if names[1] in fields else None
    if role not in _ROLES or text is None:
        advice = 'Write {"role": ..., "content": "..."} with one of the roles system, user, assistant.'
        raise PromptError(f"{place} holds a message that can't be read: {_given(turn)}", advice)
    return Message(_ROLES[role], text) if isinstance(text, str) else "holds more than text"


def _text(content: Any) -> str | bool | None:
    """A message's text; False if there is more in it than text; None if it is nothing of the kind."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = [part for part in cast(list[Any], content) if isinstance(part, dict)] if isinstance(content, list) else []
    if not isinstance(content, list) or len(parts) < len(cast(list[Any], content)):
        return None
    said = [cast(dict[str, Any], part).get("text") for part in parts]
    texts = [text for text in said if isinstance(text, str)]
    return "\n\n".join(texts) if len(texts) == len(said) else False


def _given(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= 60 else text[:60] + "…"
