"""Parts computed on this machine's cores, in processes of one thread each.

A small model's steps are too short to be shared among threads: two processes of one thread were measured at 1.8 times
the tokens a second of one process of two.
Each process opens the stage for itself, is told the number of a part, and sends back its records; committing them stays
with the one process that holds the run.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from charter.errors import InvariantError, UserError
from charter.executor.base import Opener, Parts
from charter.records import StageFolder

PRELOADED = ["charter.models.local"]  # imported once, in a server that the processes are forked from
DEATHS = 2  # of the process that computes it, after which a part is given up


@dataclass(slots=True)
class _Worker:
    """A process, the pipe to it, and the part that it is at."""

    number: int
    process: Any
    pipe: Connection
    part: int | None = None


@dataclass(slots=True)
class Processes:
    """An ``Executor`` of ``count`` processes, which end with the stage: what trains next needs their memory."""

    count: int
    _workers: list[_Worker] = field(default_factory=list[_Worker])

    def run(self, stage: StageFolder, parts: Parts[Any], opener: Opener, on_progress: Callable[[int], None]) -> None:
        """Raises also ``UserError`` if the process at a part dies more than once: mostly, the memory is too small."""
        waiting = deque(parts.missing(stage))
        done = len(parts.items) - sum(len(parts.of(index)) for index in waiting)
        on_progress(done)
        deaths: dict[int, int] = {}
        try:
            while waiting or any(worker.part is not None for worker in self._workers):
                self._hand_out(waiting, opener)
                busy = {worker.pipe: worker for worker in self._workers if worker.part is not None}
                for pipe in cast("list[Connection]", wait(list(busy))):
                    worker = busy[pipe]
                    index = cast("int", worker.part)
                    answer = self._answer(worker)
                    if answer is None:
                        deaths[index] = deaths.get(index, 0) + 1
                        _require_another_try(stage, index, deaths[index])
                        waiting.appendleft(index)
                        continue
                    if isinstance(answer, BaseException):
                        raise answer
                    stage.write_part(index, answer)
                    done += len(parts.of(index))
                    on_progress(done)
        finally:
            self._end()

    def _end(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.kill()
            worker.process.join()
        self._workers.clear()

    def _hand_out(self, waiting: deque[int], opener: Opener) -> None:
        """A part for every idle process, and a process for every part that can have one."""
        while waiting:
            idle = next((worker for worker in self._workers if worker.part is None), None)
            if idle is None and len(self._workers) == self.count:
                return
            worker = idle or _started(self._free_number())
            if idle is None:
                self._workers.append(worker)
            worker.part = waiting.popleft()
            worker.pipe.send((opener, worker.part))

    def _free_number(self) -> int:
        """The first that no process has: by it, one that replaces a dead one takes over its GPU."""
        taken = {worker.number for worker in self._workers}
        return next(number for number in range(self.count) if number not in taken)

    def _answer(self, worker: _Worker) -> Any:
        """What a process sent: records, or the error that it met. None if it died, and then it is forgotten."""
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()
            self._workers.remove(worker)
            return None
        worker.part = None
        return answer


def _require_another_try(stage: StageFolder, index: int, deaths: int) -> None:
    if deaths >= DEATHS:
        raise UserError(
            f"the process that computes part {index} of {stage.name} was ended from outside {deaths} times",
            "Mostly the system does so for lack of memory. Run again with fewer: --set execution.workers=1.",
        )


def _started(number: int) -> _Worker:
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(PRELOADED)
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, number), daemon=True)
    process.start()
    there.close()
    return _Worker(number, process, here)


def _serve(pipe: Connection, number: int) -> None:
    """Computes what it is asked, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the holder of the run ends the others
    _end_with_parent()
    import torch

    torch.set_num_threads(1)
    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
    opened: tuple[Opener, Parts[Any]] | None = None
    while True:
        try:
            opener, index = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if opened is None or opened[0] != opener:
                opened = (opener, opener.open())
            answer: Any = list(opened[1].records(index))
        except Exception as error:
            answer = _sendable(error, index)
        pipe.send(answer)


def _sendable(error: Exception, index: int) -> Exception:
    """The error, or its words where it can't be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # of any sort: an error from any library says for itself how it is pickled
        return RuntimeError(f"part {index}: {type(error).__name__}: {error}")
    return error


def _end_with_parent() -> None:
    """Ends this process when the one that holds the run is gone: killed, it could tell nobody."""
    holder = multiprocessing.parent_process()
    if holder is None:
        raise InvariantError("this isn't a process of an executor")

    def watch() -> None:
        holder.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
