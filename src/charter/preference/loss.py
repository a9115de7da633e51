"""The preference model's loss: cross-entropy against the judge's soft label (Bai et al. 2022, §4.1 and §4.3).

The paper trains on "normalised probabilities as targets" and finds soft labels much better than hard ones (§4.3); the
form is the Bradley-Terry likelihood of its predecessor (Bai et al. 2022a, §3) with the target p in place of 1::

    loss = -(p log s(d) + (1 - p) log s(-d)),    d = r_a - r_b,    s(x) = 1 / (1 + exp(-x))

Shapes: P pairs.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import logsigmoid


def soft_preference_loss(margins_P: Tensor, targets_P: Tensor) -> Tensor:
    """The loss of each pair in nats, from the margin r_a - r_b and the probability that a is better: shape [P].

    It is least, and equals the label's own entropy, where s(d) = p. A tie (p = 0.5) pulls the two scores together.
    """
    return -(targets_P * logsigmoid(margins_P) + (1 - targets_P) * logsigmoid(-margins_P))
