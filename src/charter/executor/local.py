"""Parts computed one after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from charter.executor.base import Opener, Parts
from charter.records import StageFolder


@dataclass(frozen=True, slots=True)
class InProcess:
    """An ``Executor`` for what can't be done twice at once: one large model, one GPU, one limit on a server.

    ``threads`` is one, so that parts come to the same bytes here as in other processes; None leaves a large model all.
    """

    threads: Literal[1] | None = 1

    def run(self, stage: StageFolder, parts: Parts[Any], opener: Opener, on_progress: Callable[[int], None]) -> None:
        del opener
        missing = parts.missing(stage)
        done = len(parts.items) - sum(len(parts.of(index)) for index in missing)
        on_progress(done)
        for index in missing:
            with nullcontext() if self.threads is None else one_thread():
                records = parts.records(index)
            stage.write_part(index, records)
            done += len(parts.of(index))
            on_progress(done)


@contextmanager
def one_thread() -> Generator[None]:
    """Within it, torch computes with one thread: sums cut among several come out in other bits."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
