"""Parts computed one after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from charter.executor.base import Opener, Parts
from charter.records import StageFolder


class InProcess:
    """An ``Executor`` for what can't be done twice at once: one large model, one GPU, one limit on a server."""

    def run(self, stage: StageFolder, parts: Parts[Any], opener: Opener, on_progress: Callable[[int], None]) -> None:
        del opener
        missing = parts.missing(stage)
        done = len(parts.items) - sum(len(parts.of(index)) for index in missing)
        on_progress(done)
        for index in missing:
            with one_thread():
                records = parts.records(index)
            stage.write_part(index, records)
            done += len(parts.of(index))
            on_progress(done)

    def close(self) -> None:
        pass


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
