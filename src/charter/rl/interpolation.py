"""The trained weights, taken back part of the way to where they began.

Fine-tuned weights and their start lie in one valley, so that what lies between them is a model as well: "linear
interpolation towards initialization", which gives up little of the reward and wins back much of what the policy forgot
(WARP, Ramé et al. 2024, arXiv 2406.16768, §3.3; before it WiSE-FT, Wortsman et al. 2022). The paper is silent.
"""

from __future__ import annotations

import torch
from torch.nn import Module


def interpolate(trained: Module, start: Module, share: float) -> None:
    """Moves ``trained`` to ``start + share * (trained - start)``, in place. Both have the same weights by name.

    Tied weights move once. With a share of 1 nothing changes, to the bit.
    """
    began = dict(start.named_parameters())
    with torch.no_grad():
        for name, weight in trained.named_parameters():
            weight.lerp_(began[name].to(weight), 1 - share)
