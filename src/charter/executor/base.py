"""The seam to where parts are computed: the pipeline knows this file, and an executor is one class behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from charter.records import StageFolder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts(Generic[T]):
    """A stage's work: its items, cut into parts of ``size`` in item order, and what makes records of a part.

    ``compute(index, items of that part)`` depends on nothing else. With small models it is done with one thread
    wherever it is, so that a part comes to the same bytes on one core, on many and on a cluster.
    """

    items: Sequence[T]
    size: int
    compute: Callable[[int, Sequence[T]], Sequence[Any]]

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"a part has at least one item, not {self.size}")

    def __len__(self) -> int:
        return -(-len(self.items) // self.size)

    def of(self, index: int) -> Sequence[T]:
        """The items of one part."""
        return self.items[index * self.size : (index + 1) * self.size]

    def records(self, index: int) -> Sequence[Any]:
        """Computes one part."""
        return self.compute(index, self.of(index))

    def missing(self, stage: StageFolder) -> list[int]:
        """The parts that aren't committed yet."""
        return [index for index in range(len(self)) if not stage.has_part(index)]


@dataclass(frozen=True, slots=True)
class Opener:
    """How another process gets the same ``Parts``: a function at the top of a module, and what to give it."""

    function: Callable[..., Parts[Any]]
    arguments: tuple[str, ...]

    def open(self) -> Parts[Any]:
        return self.function(*self.arguments)


class Executor(Protocol):
    """Computes the parts of a stage that aren't committed yet, and commits each as it is done."""

    def run(self, stage: StageFolder, parts: Parts[Any], opener: Opener, on_progress: Callable[[int], None]) -> None:
        """``stage`` has begun, by a fingerprint that covers the items and their cutting.

        ``on_progress`` is told how many items are done in all, those of earlier sessions included: once at the start,
        then after each part. Raises whatever a part raises, and ``StorageError``; parts committed before stay.
        """
        ...
