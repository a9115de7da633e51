"""Parts: fixed slices of a stage's records, one Parquet file each, and what is recorded of them.

The same records give the same bytes (with one version of pyarrow). The digest is taken of the bytes in memory, before
the disk has had them, and a part's bytes are read once, checked, and only then parsed: nothing unchecked is ever used.
"""

# pyarrow ships no types: what comes out of it is unknown to the checker.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from charter.errors import RunError
from charter.records.disk import digest_of_bytes
from charter.records.schema import mismatch, records_of, table_of
from charter.records.sealed import damage

T = TypeVar("T")
ROWS_AT_ONCE = 256  # rows that are Python objects at the same time while a part is read
PART_NAME = re.compile(r"part-\d{5,}\.parquet")


@dataclass(frozen=True, slots=True)
class PartEntry:
    """A committed part. A part without records has an entry and no file; its digest is that of no bytes.

    ``seconds`` is what computing it took, which no digest covers.
    """

    index: int
    rows: int
    digest: str
    seconds: float

    @property
    def file(self) -> str:
        return part_name(self.index)


def part_name(index: int) -> str:
    return f"part-{index:05d}.parquet"


def part_bytes(records: Sequence[Any]) -> bytes:
    """Records of one type as a Parquet file (zstd); no bytes for no records. Raises ``TypeError`` for a bad record."""
    if not records:
        return b""
    sink = pa.BufferOutputStream()
    pq.write_table(table_of(records), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def read_part(folder: Path, entry: PartEntry, record_type: type[T]) -> Iterator[T]:
    """The records of a committed part, in order; ``ROWS_AT_ONCE`` of them and the file's bytes are in memory at a time.

    Raises ``DamageError`` if the file isn't there or isn't what was committed, before anything of it is used, and
    ``RunError`` if it holds another type of record.
    """
    if entry.rows == 0:
        return
    path = folder / entry.file
    if not path.is_file():
        raise damage(path, "is missing")
    data = path.read_bytes()
    if digest_of_bytes(data) != entry.digest:
        raise damage(path, "is damaged: its digest is not the one recorded")
    with pq.ParquetFile(pa.BufferReader(data)) as file:
        reason = mismatch(file.schema_arrow, record_type)
        if reason:
            raise RunError(
                f"{path} was asked for {record_type.__name__}, but {reason}",
                "Read it with the version of Charter that made it, or start a new run with another --out.",
            )
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
            yield from records_of(batch, record_type)
