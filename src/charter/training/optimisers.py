"""The optimisers: AdamW for fine-tuning, Muon for a network that starts from nothing."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch.nn import Module
from torch.optim import AdamW, Muon, Optimizer

Method = Literal["adamw", "muon"]
BETAS = (0.9, 0.98)  # for what Muon leaves to AdamW


def new_optimiser(module: Module, method: Method, weight_decay: float) -> Optimizer:
    """An optimiser of all of ``module``'s parameters. Its learning rate is 0 until the loop sets it."""
    if method == "muon":
        return MuonWithAdamW(module, weight_decay)
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return AdamW(trained, lr=0.0, weight_decay=weight_decay, fused=True)


class MuonWithAdamW(Optimizer):
    """Muon (Jordan et al. 2024) for the hidden layers' matrices, AdamW for embeddings, norms and the rest.

    Muon's updates are scaled to the size of AdamW's (Liu et al. 2025, arXiv 2502.16982), and AdamW takes half of the
    learning rate: a tied embedding is an output layer too, which bears less.
    """

    def __init__(self, module: Module, weight_decay: float) -> None:
        layers = [layer for layer in module.modules() if isinstance(layer, torch.nn.Embedding)]
        embeddings = {id(parameter) for layer in layers for parameter in layer.parameters()}
        parameters = [p for p in module.parameters() if p.requires_grad]
        hidden = [p for p in parameters if p.ndim == 2 and id(p) not in embeddings]
        rest = [p for p in parameters if p.ndim != 2 or id(p) in embeddings]
        self._muon = Muon(hidden, lr=0.0, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        self._adamw = AdamW(rest, lr=0.0, betas=BETAS, weight_decay=0.0)
        super().__init__([{"params": hidden}, {"params": rest}], {"lr": 0.0})
        muon, adamw = self._muon.param_groups[0], self._adamw.param_groups[0]
        self.param_groups = [{**muon, "scale": 1.0}, {**adamw, "scale": 0.5}]
        self._share()

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of both."""
        del closure
        self._muon.step()
        self._adamw.step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up a saved state."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        """Lets both optimisers work on this one's groups and state, so that one checkpoint holds all of it."""
        self._muon.param_groups, self._adamw.param_groups = self.param_groups[:1], self.param_groups[1:]
        self._muon.state = self._adamw.state = self.state
