"""Low-rank adapters (LoRA; Hu et al. 2021), by the PEFT library.

They are put into the network's own layers, so that everything that works on the network works on it as before; its
weights stay as they are and can be had back for a while, which is how reinforcement learning keeps its reference
without a second copy.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, LoraModel
from torch.nn import Module
from transformers import PreTrainedModel

from charter.errors import TrainingError
from charter.recipe import Lora, Training
from charter.seeds import derive_seed

NAME = "default"
ALL_LINEAR = "all-linear"


@dataclass(frozen=True, slots=True)
class Adapter:
    """The adapters of one network."""

    _tuner: LoraModel

    @contextmanager
    def switched_off(self) -> Generator[None]:
        """Within it, the network computes with its own weights alone."""
        tuner: Any = self._tuner
        tuner.disable_adapter_layers()
        try:
            yield
        finally:
            tuner.enable_adapter_layers()

    def merge(self) -> None:
        """Adds the adapters to the weights and takes them out of the network."""
        tuner: Any = self._tuner
        tuner.merge_and_unload()


def adapt(module: PreTrainedModel, settings: Lora, seed: int, also_trained: Sequence[str] = ()) -> Adapter:
    """Puts adapters into ``module`` and leaves nothing else to train but the layers named in ``also_trained``.

    At first they change nothing. Raises ``TrainingError`` where no layer has one of the names in ``settings.targets``.
    """
    targets = _linear_layers(module, also_trained) if ALL_LINEAR in settings.targets else list(settings.targets)
    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=targets, bias="none"
    )
    try:
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(seed, "adapters"))
            tuner = LoraModel(module, config, NAME)
    except ValueError as error:
        raise TrainingError(
            f"no layer of the model can take an adapter by training.lora.targets ({', '.join(targets)}): {error}",
            f"Name layers of the model, or leave it at {ALL_LINEAR}.",
        ) from error
    for name, parameter in module.named_parameters():
        parameter.requires_grad_("lora_" in name or any(f"{layer}." in name for layer in also_trained))
        if parameter.requires_grad:
            parameter.data = parameter.data.float()  # in which AdamW keeps small updates
    return Adapter(tuner)


def prepare(module: PreTrainedModel, settings: Training, seed: int, also_trained: Sequence[str] = ()) -> Adapter | None:
    """Readies a network for training by the recipe's settings; its adapters, if it gets any. As ``adapt`` raises."""
    if settings.gradient_checkpointing:
        module.activation_checkpointing_enable({"use_reentrant": False})
    return None if settings.lora is None else adapt(module, settings.lora, seed, also_trained)


def merge(adapter: Adapter | None) -> None:
    """The network of an adapter without it, its weights changed by it."""
    if adapter is not None:
        adapter.merge()


def _linear_layers(module: PreTrainedModel, besides: Sequence[str]) -> list[str]:
    """The names of all linear layers but the output projection and those in ``besides``."""
    output = module.get_output_embeddings()
    found = [
        name
        for name, layer in module.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not output and name not in besides
    ]
    return list(dict.fromkeys(found))


def trained_parameters(module: Module) -> dict[str, torch.nn.Parameter]:
    """What training changes, by name; of tied weights, the first name."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
