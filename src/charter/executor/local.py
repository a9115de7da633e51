"""Parts computed one after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from charter.records import StageFolder

T = TypeVar("T")


def run_parts(
    stage: StageFolder,
    items: Sequence[T],
    part_size: int,
    compute: Callable[[int, Sequence[T]], Sequence[Any]],
    on_progress: Callable[[int], None],
) -> None:
    """Computes the missing parts in item order and commits each as it is done: an ``Executor``.

    Raises whatever ``compute`` raises, and ``StorageError``; parts committed before stay.
    """
    if part_size < 1:
        raise ValueError(f"a part has at least one item, not {part_size}")
    slices = [items[start : start + part_size] for start in range(0, len(items), part_size)]
    done = sum(len(part) for index, part in enumerate(slices) if stage.has_part(index))
    on_progress(done)
    for index, part in enumerate(slices):
        if stage.has_part(index):
            continue
        stage.write_part(index, compute(index, part))
        done += len(part)
        on_progress(done)
