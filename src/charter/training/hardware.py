"""What training runs on, and how it is made to give the same numbers each time."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator

from charter.errors import ModelError
from charter.models.network import has_bfloat16


def start_accelerator() -> Accelerator:
    """Accelerate on this machine's GPU or CPU, in bfloat16 where the hardware computes it, else in float32.

    float16 is never chosen: it needs loss scaling, and CPUs are slow at it. Raises ``ModelError`` under a launcher of
    several processes, which the loop doesn't share its work among.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = "bf16" if has_bfloat16(device) else "no"
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision=precision)
    if accelerator.num_processes > 1:
        raise ModelError(
            f"training was launched as {accelerator.num_processes} processes, and it runs as one",
            "Start it without a launcher.",
        )
    return accelerator


@contextmanager
def deterministic() -> Generator[None]:
    """Within it, torch uses algorithms that give the same bits each time, and raises where it has none."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it, before its first use
    before = torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic
    filled_before = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = (
        False  # it would only show reads of such memory, and costs a pass over each tensor
    )
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        memory.fill_uninitialized_memory = filled_before
