"""Rows to files, streamed: JSON lines, and Parquet with a given schema. Where there is no row there is no file."""

# pyarrow ships no types: what comes out of it is unknown to the checker.
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from charter.records.disk import storage_errors
from charter.types import Message

Row = dict[str, Any]
_ROWS_AT_ONCE = 1000
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
MESSAGES = pa.list_(MESSAGE)


def messages_of(turns: Sequence[Message]) -> list[Row]:
    """Turns as the chat list that every trainer takes."""
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def assistant(text: str) -> Row:
    """An answer as a chat message."""
    return {"role": "assistant", "content": text}


def write_json_lines(path: Path, rows: Iterable[Row]) -> None:
    """One JSON object a line, UTF-8; no file for no rows. Raises ``StorageError``."""
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return
    with storage_errors(path), path.open("w", encoding="utf-8", newline="\n") as file:
        for row in chain([first], waiting):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_parquet(path: Path, rows: Iterable[Row], schema: pa.Schema) -> None:
    """A Parquet file (zstd); no file for no rows, as ``datasets`` refuses a split without any. Raises ``StorageError``.

    A thousand rows are in memory at a time.
    """
    waiting = iter(rows)
    batch = list(islice(waiting, _ROWS_AT_ONCE))
    if not batch:
        return
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            while batch:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                batch = list(islice(waiting, _ROWS_AT_ONCE))
