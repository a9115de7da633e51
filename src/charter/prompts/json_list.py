"""One JSON list of objects, as ShareGPT files are, read an object at a time: such a file may be larger than memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.lines import MAX_LINE_BYTES, opened

_CHUNK = 1 << 16  # characters
_SPACE = " \t\r\n"
_ADVICE = "A .json file holds a list of JSON objects, or one object a line."


def is_json_list(path: Path) -> bool:
    """Whether the file's first character, after blanks, opens a list. Raises ``PromptError`` if it can't be read."""
    with opened(path) as file:
        return file.read(_CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def json_entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of the list with their numbers from 1. Raises ``PromptError`` with the number of the one at fault."""
    name = printable(str(path))
    with opened(path) as file:
        text = io.TextIOWrapper(file, "utf-8-sig")
        rest = _filled("", text).removeprefix("[")
        number = 0
        while not (rest := _filled(rest, text)).startswith("]"):
            number += 1
            entry, rest = _entry(rest, text, f"{name}, entry {number}")
            yield number, entry
            rest = _filled(rest, text)
            if not rest.startswith((",", "]")):
                raise PromptError(f"{name}: after entry {number} the list neither goes on nor ends", _ADVICE)
            rest = rest.removeprefix(",")


def _filled(rest: str, text: IO[str]) -> str:
    """What is to be read next, blanks left out; empty only at the file's end."""
    while not (rest := rest.lstrip(_SPACE)):
        more = text.read(_CHUNK)
        if not more:
            return ""
        rest = more
    return rest


def _entry(rest: str, text: IO[str], place: str) -> tuple[dict[str, Any], str]:
    """The object that ``rest`` starts with, read on as far as it needs, and what follows it."""
    if not rest.startswith("{"):
        raise PromptError(f"{place}: {'not a JSON object' if rest else 'the file ends before it'}", _ADVICE)
    while True:
        try:
            entry, end = json.JSONDecoder().raw_decode(rest)
        except (ValueError, RecursionError) as found:
            more = text.read(max(_CHUNK, len(rest))) if len(rest) <= MAX_LINE_BYTES else ""
            if not more:
                raise PromptError(f"{place}: not JSON ({found})", _ADVICE) from None
            rest += more
        else:
            return entry, rest[end:]
