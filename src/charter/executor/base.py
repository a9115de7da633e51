"""The seam to where parts are computed: the pipeline knows this file, and an executor is one function behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from charter.records import StageFolder

T = TypeVar("T")


class Executor(Protocol):
    """Computes the parts of a stage that aren't committed yet."""

    def __call__(
        self,
        stage: StageFolder,
        items: Sequence[T],
        part_size: int,
        compute: Callable[[int, Sequence[T]], Sequence[Any]],
        on_progress: Callable[[int], None],
    ) -> None:
        """``compute(index, items of that part)`` gives the part's records, and depends on nothing else.

        ``stage`` has begun, by a fingerprint that covers the items and ``part_size``. ``on_progress`` is told how many
        items are done in all, those of earlier sessions included: once at the start, then after each part.
        """
        ...
