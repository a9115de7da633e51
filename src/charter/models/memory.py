"""Memory: what a model's weights need, known before they are loaded, and batches that turn out too large.

A folder's weights are measured by the headers of its safetensors files, which give every tensor's type and shape. What
activations will need depends on the batch, so that is found by trying: a batch that doesn't fit is computed in halves.
"""

from __future__ import annotations

import ctypes
import gc
import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from charter.errors import ModelError
from charter.models.folder import ModelFolder

MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")  # version 2, as a container sees its own
MARGIN = 1.05  # of the weights: buffers, the tokenizer, the allocator's rounding
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Weights:
    """How many numbers a folder's weights are, and the bytes that they take as stored."""

    numbers: int
    stored_bytes: int

    @classmethod
    def of(cls, folder: ModelFolder) -> Weights:
        """Raises ``ModelError`` for a file that isn't safetensors."""
        tensors = [tensor for name in folder.weights for tensor in _header(folder.path / name)]
        sizes = [(math.prod(tensor["shape"]), BYTES.get(tensor["dtype"], 1)) for tensor in tensors]
        return cls(sum(numbers for numbers, _ in sizes), sum(numbers * width for numbers, width in sizes))


def require_memory(folder: ModelFolder, bytes_a_number: float | None, device: torch.device, purpose: str) -> None:
    """Raises ``ModelError`` if the weights, at so many bytes a number (None: as stored), exceed what is free.

    ``purpose`` completes "to ... it".
    """
    weights = Weights.of(folder)
    needed = MARGIN * (weights.stored_bytes if bytes_a_number is None else weights.numbers * bytes_a_number)
    free = free_bytes(device)
    if free is not None and needed > free:
        raise ModelError(
            f"to {purpose} the model in {folder.path} takes {_gib(needed)} for its {_count(weights.numbers)} weights, "
            f"and {_gib(free)} are free on {'this machine' if device.type == 'cpu' else device}",
            "Take a smaller model or one stored in fewer bits, or free memory.",
        )


def free_bytes(device: torch.device) -> int | None:
    """Memory that can be had on a device; None where the system doesn't say.

    On Linux it is what the kernel thinks can be had without swapping, or the control group's rest if that is less.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if not MEMINFO.is_file():
        return None
    rows = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
    available = int(rows["MemAvailable"].split()[0]) * 1024
    group = _group_rest()
    return available if group is None else min(available, group)


def in_halves(items: Sequence[T], compute: Callable[[Sequence[T]], Sequence[R]]) -> list[R]:
    """``compute(items)``; where memory doesn't suffice, the same of each half, and so on down to single items.

    ``compute`` must give one result an item, whatever they are batched with. Raises ``ModelError`` if a single item
    doesn't fit.
    """
    try:
        return list(compute(items))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        if len(items) < 2:
            raise ModelError(
                "memory doesn't suffice for a batch of one", "Lower max_tokens, take shorter prompts, or free memory."
            ) from error
    # Outside the handler: the error's traceback would keep the failed batch's tensors alive.
    release_memory()
    middle = len(items) // 2
    return [*in_halves(items[:middle], compute), *in_halves(items[middle:], compute)]


def release_memory() -> None:
    """Gives back what is cached but unused: to the GPU, so that the next try isn't refused for how blocks are cut, and
    to the system, whose other processes need what a training that has ended still holds."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give memory back by themselves
    if trim is not None:
        trim(0)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch could not get memory: it has a class for that on GPUs, and only a message on CPUs."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator: can't allocate" in str(error)


def _header(file: Path) -> list[dict[str, Any]]:
    """The tensors' descriptions: eight bytes of length, then JSON."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > file.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(stream.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise ModelError(f"{file} isn't a safetensors file: {error}", "Copy the model again.") from error
    return [tensor for name, tensor in header.items() if name != "__metadata__"]


def _group_rest() -> int | None:
    """What a control group (a container's limit) leaves, file caches counted as free; None without a limit."""
    if not (GROUP / "memory.max").is_file():
        return None
    limit = (GROUP / "memory.max").read_text().strip()
    if limit == "max":
        return None
    stat = dict(line.split() for line in (GROUP / "memory.stat").read_text().splitlines())
    used = int((GROUP / "memory.current").read_text()) - int(stat["inactive_file"])
    return max(0, int(limit) - used)


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"


def _count(numbers: int) -> str:
    return f"{numbers / 1e9:.1f} billion" if numbers >= 1e9 else f"{numbers / 1e6:.1f} million"
