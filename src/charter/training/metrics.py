"""``metrics.jsonl``: one line a step, without times, so that the same training run writes the same bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from charter.errors import DamageError
from charter.training.disk import disk_errors

DIGITS = 6  # significant; what differs beyond them is noise to a reader


class MetricsFile:
    """Appends rows. ``keep`` is the number of steps done: rows beyond it, of a run that was killed, are cut off first.

    Raises ``DamageError`` if the file holds fewer rows than steps were done.
    """

    def __init__(self, path: Path, keep: int) -> None:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if len(lines) < keep:
            raise DamageError(
                f"{path} holds {len(lines)} steps, and its checkpoint was made after {keep}",
                f"Remove {path.parent} to train anew.",
            )
        self._path = path
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
            self._file.truncate(sum(len(line) for line in lines[:keep]))

    def append(self, row: Mapping[str, float]) -> dict[str, float]:
        """Writes a row and returns it as written, its floats rounded to ``DIGITS`` significant digits."""
        rounded = {name: rounded_number(value) for name, value in row.items()}
        with disk_errors(self._path):
            self._file.write((json.dumps(rounded, allow_nan=False) + "\n").encode())
        return rounded

    def flush(self) -> None:
        """Waits until the rows are on the disk: before each checkpoint, which relies on them."""
        with disk_errors(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with disk_errors(self._path):
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows of a finished training run."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def total(rows: Iterable[Mapping[str, float]], name: str) -> int:
    """The sum of a count over the steps."""
    return int(sum(row[name] for row in rows))


def rounded_number(value: float) -> float:
    """An integer as it is, a float to ``DIGITS`` significant digits."""
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")
