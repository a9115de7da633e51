"""Tables of prompts: CSV, Parquet and Arrow, a few hundred rows in memory at a time, and only the columns that matter.

Arrow files are those that ``datasets`` saves (an IPC stream) or Arrow's own files; that package isn't needed.
"""

# pyarrow ships no types: what comes out of it is unknown to the checker.
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.lines import numbered_lines

Choose = Callable[[Sequence[str], str], list[str]]  # of a table's columns and its place: those to read
_ROWS_AT_ONCE = 256
_ARROW_FILE = b"ARROW1"  # what Arrow's file format starts with, and its stream format doesn't


def csv_rows(path: Path, choose: Choose, delimiter: str = ",") -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows below the header, with the numbers of the lines on which they start. An empty cell is null."""
    name = printable(str(path))
    reader = csv.reader((line for _, line in numbered_lines(path, keep_blank=True)), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        chosen = set(choose(header, f"{name}, line 1"))
        if len(set(header)) < len(header):
            raise PromptError(f"{name}, line 1: two columns have one name", "Give each column a name of its own.")
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                shape = f"{len(cells)} cells where the header has {len(header)}"
                raise PromptError(f"{name}, line {line}: {shape}", "Put text that holds commas or line ends in quotes.")
            if cells:
                yield line, {n: cell or None for n, cell in zip(header, cells, strict=True) if n in chosen}
            line = reader.line_num + 1
    except csv.Error as found:
        raise PromptError(f"{name}, line {reader.line_num}: not CSV ({found})", "Save it as CSV anew.") from None


def parquet_rows(path: Path, choose: Choose) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows, numbered from 1. Raises ``PromptError`` for a file that isn't whole Parquet."""
    name = printable(str(path))
    with _table_errors(name, "Parquet"), pq.ParquetFile(path) as file:
        columns = choose(file.schema_arrow.names, name)
        yield from _numbered(file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns))


def arrow_rows(path: Path, choose: Choose) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows, numbered from 1. Raises ``PromptError`` for a file that isn't whole Arrow."""
    name = printable(str(path))
    with _table_errors(name, "Arrow"), pa.memory_map(str(path)) as source:
        if source.read(len(_ARROW_FILE)) == _ARROW_FILE:
            file = pa.ipc.open_file(source)
            batches = (file.get_batch(index) for index in range(file.num_record_batches))
        else:
            source.seek(0)
            file = pa.ipc.open_stream(source)
            batches = iter(file)
        columns = choose(file.schema.names, name)
        yield from _numbered(batch.select(columns) for batch in batches)


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            for row in batch.slice(start, _ROWS_AT_ONCE).to_pylist():
                number += 1
                yield number, row


@contextmanager
def _table_errors(name: str, form: str) -> Generator[None]:
    try:
        yield
    except FileNotFoundError:
        raise PromptError(f"there is no prompt file {name}", "Check prompts.source.") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as found:
        reason = printable(str(found).splitlines()[0] if str(found) else type(found).__name__)
        raise PromptError(f"{name} can't be read as {form}: {reason}", "Fetch or write it again.") from None
