"""REINFORCE over whole answers (Ahmadian et al. 2024, §2.2): an answer is one action, not a sequence of them.

The paper's PPO (Bai et al. 2022, §4.2) clips a ratio to the policy that sampled. Here every answer is used for one
update, at which that ratio is 1, so there is nothing to clip.
"""

from __future__ import annotations

from torch import Tensor


def reinforce_loss(logprobs_B: Tensor, advantages_B: Tensor, step_answers: int) -> Tensor:
    """A micro-batch's part of ``-mean(advantage * log-probability)`` over all of the step's answers: a scalar.

    Its gradient is an unbiased estimate of that of the negative expected reward.
    """
    return -(advantages_B * logprobs_B).sum() / step_answers
