"""Processes that a test may kill: forks of a server that has imported torch and has done nothing else."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

# One server serves the whole test process, so all that is to be imported beforehand is named here.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["charter.rl", "charter.sft", "transformers.models.llama.modeling_llama"])


def run(work: Callable[..., object], *args: object, for_seconds: float | None = None) -> int | None:
    """Does ``work`` in a process of its own, which is killed after ``for_seconds``. Returns its exit code."""
    process = SERVER.Process(target=work, args=args)
    process.start()
    process.join(for_seconds)
    process.kill()  # nothing, once it has ended
    process.join()
    return process.exitcode
