"""Checkpoints: what is trained of a network, the optimiser's state and the number of steps, as safetensors and JSON.

Nothing is pickled. A checkpoint is there whole or not at all, so a training run that is killed anywhere and started
again goes on from the newest one and ends with the same bytes as an undisturbed run: whatever else a step needs (its
batch, its random numbers) follows from its number.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from charter.errors import FingerprintError, InvariantError
from charter.training.adapters import trained_parameters
from charter.training.disk import UNFINISHED, committed_folder

PREFIX = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """How often to write one: whichever of the two comes first. It has no part in what the training comes to."""

    every_steps: int = 500
    every_seconds: float = 30.0


class Checkpoints:
    """The checkpoints of one training run, in its folder. ``identity`` names what the run is made from."""

    def __init__(self, folder: Path, identity: str, often: Checkpointing) -> None:
        self._folder = folder
        self._identity = identity
        self._often = often
        self._last_step = 0
        self._last_time = time.monotonic()

    def restore(self, module: Module, optimiser: Optimizer) -> int:
        """Loads the newest checkpoint into both and returns the number of steps done; 0, touching neither, without one.

        Raises ``FingerprintError`` if the checkpoint was made by a run from something else.
        """
        found = self._finished()
        if not found:
            return 0
        newest = found[-1]
        state = json.loads((newest / "state.json").read_text(encoding="utf-8"))
        if state["identity"] != self._identity:
            raise FingerprintError(
                f"{newest} is from a training run with other data, settings or start weights",
                f"Remove {self._folder} to train anew, or restore what it was made from.",
            )
        _load_trained(module, newest / "module.safetensors")
        _load_optimiser(optimiser, newest / "optimiser.safetensors")
        self._last_step = state["step"]
        return state["step"]

    def due(self, step: int) -> bool:
        """Whether one should be written after ``step`` steps."""
        enough = step - self._last_step >= self._often.every_steps
        return enough or time.monotonic() - self._last_time >= self._often.every_seconds

    def save(self, module: Module, optimiser: Optimizer, step: int) -> None:
        """Writes the checkpoint, then removes older ones. Raises ``StorageError`` when the disk refuses."""
        older = self._finished()
        with committed_folder(self._folder / f"{PREFIX}{step:09d}") as folder:
            trained = {name: p.detach().contiguous() for name, p in trained_parameters(module).items()}
            save_file(trained, folder / "module.safetensors")
            save_file(_optimiser_tensors(optimiser), folder / "optimiser.safetensors")
            state = {"identity": self._identity, "step": step}
            (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        for folder in older:
            shutil.rmtree(folder)
        self._last_step, self._last_time = step, time.monotonic()

    def remove(self) -> None:
        """Removes every checkpoint, finished or not: the training run is over."""
        for folder in self._folder.glob(f"{PREFIX}*"):
            shutil.rmtree(folder)

    def _finished(self) -> list[Path]:
        """Oldest first."""
        return sorted(folder for folder in self._folder.glob(f"{PREFIX}*") if folder.suffix != UNFINISHED)


def _load_trained(module: Module, path: Path) -> None:
    saved, trained = load_file(path), trained_parameters(module)
    if saved.keys() != trained.keys():
        raise InvariantError(f"{path} holds other parameters than are trained")
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(saved[name])


def _optimiser_tensors(optimiser: Optimizer) -> dict[str, Tensor]:
    """The state, as tensors named ``INDEX.NAME``, the index being the parameter's."""
    state: dict[int, dict[str, Tensor]] = optimiser.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, tensors in state.items() for name, tensor in tensors.items()}


def _load_optimiser(optimiser: Optimizer, path: Path) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in load_file(path).items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = torch.as_tensor(tensor)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
