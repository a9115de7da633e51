"""Rows to files, streamed: JSON lines, and Parquet with a given schema."""

# pyarrow ships no types: what comes out of it is unknown to the checker.
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
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
    """One JSON object a line, UTF-8. Raises ``StorageError``."""
    with storage_errors(path), path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_parquet(path: Path, rows: Iterable[Row], schema: pa.Schema) -> None:
    """A Parquet file (zstd), which is there with its schema even if there is no row. Raises ``StorageError``."""
    waiting = iter(rows)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            while batch := list(islice(waiting, _ROWS_AT_ONCE)):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
