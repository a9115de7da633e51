"""Where a run's parts are computed, if nobody says: what this machine has, and what its models need."""

from __future__ import annotations

import os
from collections.abc import Sequence

from charter.executor import Executor, InProcess, Processes
from charter.models.folder import ModelFolder
from charter.models.server.named import ServedModel
from charter.recipe import Execution

SMALL_BYTES = 1 << 30  # weights up to which each core's process can hold the models for itself


def choose_executor(settings: Execution, models: Sequence[ModelFolder | ServedModel]) -> Executor:
    """Processes, one a core or a GPU, where that helps; else this process.

    A server answers many calls at once by itself, and its limits are one process's to keep. A large model on a CPU
    fills the cores alone, and its memory is needed once.
    """
    import torch

    small = all(_bytes(model) <= SMALL_BYTES for model in models if isinstance(model, ModelFolder))
    here = InProcess(1 if small else None)
    if any(isinstance(model, ServedModel) for model in models):
        return here
    cores = _cores() if small else 1
    workers = settings.workers or (torch.cuda.device_count() if torch.cuda.is_available() else cores)
    return here if workers == 1 else Processes(workers)


def _cores() -> int:
    """Those that this process may use; where the system doesn't say which (macOS), all."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _bytes(model: ModelFolder) -> int:
    return sum((model.path / name).stat().st_size for name in model.weights)
