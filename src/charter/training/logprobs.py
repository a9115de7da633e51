"""Log-probabilities of given tokens under any Hugging Face causal language model.

For a small model the projection onto the vocabulary is a large share of a pass, and in a fine-tuning example most
positions carry no loss. So hidden states are computed everywhere and logits only where a token's weight isn't 0.

Shapes: B rows, T positions, N positions with a weight, D hidden width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from charter.errors import ModelError
from charter.training.batches import TokenBatch


def token_logprobs(module: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """Log-probability (nats, float32) of each token with a non-zero weight, given those before it: shape [N].

    N runs over rows, then positions, as ``batch.weights_BT.nonzero()`` does. Raises ``ModelError`` if the model has no
    output projection.
    """
    wanted_BT = batch.weights_BT != 0
    predicting_BT = torch.zeros_like(wanted_BT)
    predicting_BT[:, :-1] = wanted_BT[:, 1:]  # position t - 1 predicts token t
    with _projecting_only(module, predicting_BT):
        logits_1NV = module(input_ids=batch.tokens_BT, use_cache=False).logits
    return -cross_entropy(logits_1NV[0].float(), batch.tokens_BT[wanted_BT], reduction="none")


def answer_logprobs(module: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """The weighted sum of each row's token log-probabilities, in nats: shape [B]."""
    wanted_BT = batch.weights_BT != 0
    rows_N = wanted_BT.nonzero()[:, 0]
    weighted_N = token_logprobs(module, batch) * batch.weights_BT[wanted_BT]
    return torch.zeros(len(batch.tokens_BT), device=weighted_N.device).index_add(0, rows_N, weighted_N)


@contextmanager
def _projecting_only(module: PreTrainedModel, positions_BT: Tensor) -> Generator[None]:
    """Within it, the output projection sees [1, N, D] instead of [B, T, D].

    A hook on the projection leaves the rest of the model's own forward in force, so that what some architectures do to
    their logits (soft caps, scales) stays done.
    """
    projection = module.get_output_embeddings()
    if not isinstance(projection, Module):
        raise ModelError(
            f"{type(module).__name__} has no output projection, so it gives no log-probabilities",
            "Name a causal language model.",
        )

    def select(_: Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
        return (inputs[0][positions_BT].unsqueeze(0),)

    handle = projection.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()
