"""Drawing tokens, so that a request's own seed decides and nothing else in its batch.

Each request has its own sequence of uniform numbers (PCG64 of its seed), one a token, and a token is drawn by the
inverse of the cumulative distribution. The sums are done in two levels, by products with a triangle of ones: CUDA has
no deterministic cumulative sum.

Shapes: R rows, V vocabulary, B blocks, W width of a block.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLOCK = 256


def uniforms(seed: int, count: int) -> torch.Tensor:
    """``count`` numbers in [0, 1), float64. A longer sequence begins with a shorter one of the same seed."""
    return torch.from_numpy(np.random.Generator(np.random.PCG64(seed)).random(count))


def draw(logits_RV: Tensor, temperatures_R: Tensor, uniforms_R: Tensor) -> Tensor:
    """A token a row. At temperature 0, the likeliest (the first of equals)."""
    greedy_R = temperatures_R == 0
    likeliest_R = logits_RV.argmax(-1)
    if bool(greedy_R.all()):
        return likeliest_R
    scale_R = torch.where(greedy_R, 1.0, temperatures_R).to(logits_RV.dtype)
    drawn_R = _inverse(torch.softmax(logits_RV / scale_R[:, None], -1), uniforms_R)
    return torch.where(greedy_R, likeliest_R, drawn_R)


def _inverse(probs_RV: Tensor, uniforms_R: Tensor) -> Tensor:
    """The first token at which the cumulative probability exceeds the uniform number."""
    rows, vocabulary = probs_RV.shape
    padded = torch.nn.functional.pad(probs_RV, (0, -vocabulary % BLOCK))
    probs_RBW = padded.view(rows, -1, BLOCK)
    blocks_RB = probs_RBW.sum(-1, dtype=torch.float64)
    ends_RB = blocks_RB @ _triangle(blocks_RB.shape[1], blocks_RB)
    wanted_R1 = uniforms_R[:, None] * ends_RB[:, -1:]
    block_R1 = (ends_RB <= wanted_R1).sum(-1, keepdim=True).clamp(max=blocks_RB.shape[1] - 1)
    before_R1 = ends_RB.gather(1, block_R1) - blocks_RB.gather(1, block_R1)
    within_RW = probs_RBW[torch.arange(rows, device=probs_RV.device), block_R1[:, 0]].double()
    ends_RW = before_R1 + within_RW @ _triangle(BLOCK, within_RW)
    found_R = (ends_RW <= wanted_R1).sum(-1)
    last_R = (within_RW > 0).int().mul(torch.arange(BLOCK, device=probs_RV.device)).argmax(-1)
    return block_R1[:, 0] * BLOCK + torch.minimum(found_R, last_R)


def _triangle(size: int, like: Tensor) -> Tensor:
    """Ones on and above the diagonal: a product with it sums up to each place."""
    return torch.ones(size, size, dtype=like.dtype, device=like.device).triu()
