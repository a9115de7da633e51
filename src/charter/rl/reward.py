"""What an answer earns: the preference model's score, less the weighted KL to the start (Bai et al. 2022, §4.2).

    reward = score - kl_weight * (log policy(answer) - log reference(answer))

An answer that ran into ``max_tokens`` has no end to judge, and a preference model that has only seen finished ones may
like it. It gets the worst score of its group less ``UNFINISHED_PENALTY``, so that ending is always worth more than the
worst of one's fellows (SALMON, arXiv 2310.05910, subtracts a fixed penalty likewise; the paper is silent).

Shapes: G groups (prompts), S samples of each.
"""

from __future__ import annotations

from torch import Tensor

UNFINISHED_PENALTY = 1.0  # in units of the score: odds of 2.7 to 1 against, by the preference model's own scale


def penalise_unfinished(scores_GS: Tensor, unfinished_GS: Tensor) -> Tensor:
    """The scores, with those of unfinished answers replaced."""
    worst_G1 = scores_GS.amin(dim=1, keepdim=True)
    return scores_GS.where(~unfinished_GS, worst_G1 - UNFINISHED_PENALTY)


def rewards(scores_GS: Tensor, kl_GS: Tensor, kl_weight: float) -> Tensor:
    """Scores less ``kl_weight`` times the summed log-ratio to the reference, in nats."""
    return scores_GS - kl_weight * kl_GS
