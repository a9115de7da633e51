"""The rows of a prompt file, by its name's ending, each with its place in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.columns import columns_to_read
from charter.prompts.json_list import is_json_list, json_entries
from charter.prompts.lines import numbered_lines
from charter.prompts.tables import arrow_rows, csv_rows, parquet_rows

JSON, PLAIN = frozenset({".jsonl", ".ndjson", ".json"}), frozenset({"", ".txt", ".text", ".lst"})
CSV, PARQUET, ARROW = {".csv": ",", ".tsv": "\t"}, frozenset({".parquet"}), frozenset({".arrow", ".feather"})
TABLES = frozenset({*CSV, *PARQUET, *ARROW})
Row = dict[str, Any] | str  # columns by name, or a plain line


def suffix_of(path: Path) -> str:
    """The ending that says what a file holds: of ``a.jsonl.gz`` it is ``.jsonl``."""
    suffix = path.suffix.lower()
    return Path(path.name[: -len(".gz")]).suffix.lower() if suffix == ".gz" else suffix


def rows_of(path: Path, column: str | None) -> Iterator[tuple[str, Row]]:
    """Every row with its place, such as "line 7". Raises ``PromptError`` for a file that isn't what its name says."""
    suffix = suffix_of(path)
    choose = partial(_chosen, column)
    if suffix in JSON:
        yield from _json_rows(path)
    elif suffix in PLAIN:
        for number, line in numbered_lines(path):
            _refuse_json(line, f"{printable(str(path))}, line {number}")
            yield f"line {number}", line
    elif suffix in CSV:
        yield from _placed("line", csv_rows(path, choose, CSV[suffix]))
    elif suffix in PARQUET:
        yield from _placed("row", parquet_rows(path, choose))
    elif suffix in ARROW:
        yield from _placed("row", arrow_rows(path, choose))
    else:
        known = ", ".join(sorted((JSON | PLAIN | TABLES) - {""}))
        raise PromptError(
            f"{printable(str(path))}: a file named *{printable(suffix)} is not one that prompts are read from",
            f"Give one of these: {known} (text also as .gz).",
        )


def _chosen(column: str | None, names: Any, place: str) -> list[str]:
    return columns_to_read(names, column, place)


def _placed(unit: str, rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, Row]]:
    for number, row in rows:
        yield f"{unit} {number}", row


def _json_rows(path: Path) -> Iterator[tuple[str, Row]]:
    if is_json_list(path):
        yield from _placed("entry", json_entries(path))
        return
    for number, line in numbered_lines(path):
        place = f"{printable(str(path))}, line {number}"
        try:
            row: Any = json.loads(line)
        except (ValueError, RecursionError) as found:
            raise PromptError(f"{place}: not JSON ({found})", "A .jsonl file holds one JSON object a line.") from None
        if not isinstance(row, dict):
            raise PromptError(f"{place}: not a JSON object", "A .jsonl file holds one JSON object a line.")
        yield f"line {number}", cast(dict[str, Any], row)


def _refuse_json(line: str, place: str) -> None:
    """A JSON object among plain lines is a file with the wrong name, or two files in one, but no prompt."""
    if not line.lstrip().startswith('{"'):
        return
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return
    raise PromptError(f"{place}: a JSON object in a file of plain lines", "Name a file of JSON lines *.jsonl.")
