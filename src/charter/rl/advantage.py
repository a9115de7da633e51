"""RLOO's advantage: an answer's reward less the mean reward of its group's other answers.

Ahmadian et al. 2024 (arXiv 2402.14740), §2.2, after Kool et al. 2019: the others' mean is a baseline that is unbiased,
costs nothing, and needs no learnt value function.
"""

from __future__ import annotations

from torch import Tensor


def leave_one_out(rewards_GS: Tensor) -> Tensor:
    """Advantages of G groups (prompts) of S samples, S at least 2: shape [G, S]. Each group's sum is 0."""
    samples = rewards_GS.shape[1]
    others_GS = (rewards_GS.sum(dim=1, keepdim=True) - rewards_GS) / (samples - 1)
    return rewards_GS - others_GS
