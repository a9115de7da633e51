"""How likely a model finds each token of a given text: what it wrote itself, or what it is shown.

A plain forward pass in the precision of the weights over everything that is scored; what stands before is read as
prompts are. It goes through the text in steps, so that the logits of a long text never lie in memory together.

Shapes: R rows, C tokens of a step, V vocabulary, K likeliest tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from charter.errors import ModelError
from charter.models.network import Network
from charter.models.rows import Rows

LOGITS = 1 << 26  # that lie in memory at once: 256 MB


@dataclass(frozen=True, slots=True)
class Passage:
    """Tokens, of which those from ``start`` on are scored. ``start`` is at least 1: nothing stands before the first."""

    tokens: tuple[int, ...]
    start: int = 1


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token, its log-probability (nats) after those before it, and the likeliest tokens there, with theirs."""

    token: int
    logprob: float
    likeliest: tuple[tuple[int, float], ...]


def score_tokens(network: Network, passages: Sequence[Passage], likeliest: int = 0) -> list[tuple[ScoredToken, ...]]:
    """The scored tokens of each passage, in order, each with its ``likeliest`` alternatives.

    The log-probabilities are those of temperature 1. Raises ``ModelError`` for broken weights.
    """
    found: list[tuple[ScoredToken, ...]] = [()] * len(passages)
    order = sorted(
        (index for index, passage in enumerate(passages) if passage.start < len(passage.tokens)),
        key=lambda index: (passages[index].start, len(passages[index].tokens), index),
    )
    with network.evaluating():
        for batch in _batches(passages, order, network.row_budget()):
            scored = _score_batch(network, [passages[index] for index in batch], likeliest)
            for index, tokens in zip(batch, scored, strict=True):
                found[index] = tokens
    return found


def _batches(passages: Sequence[Passage], order: Sequence[int], budget: int) -> list[list[int]]:
    """``order`` cut so that rows times longest stays within ``budget`` (one row may exceed it)."""
    batches: list[list[int]] = []
    longest = 0
    for index in order:
        longest = max(longest, len(passages[index].tokens))
        if not batches or (len(batches[-1]) + 1) * longest > budget:
            batches.append([])
            longest = len(passages[index].tokens)
        batches[-1].append(index)
    return batches


def _score_batch(network: Network, passages: Sequence[Passage], likeliest: int) -> list[tuple[ScoredToken, ...]]:
    """Rows hold what stands before the token in front of the first scored one; the steps take the rest."""
    fed = [passage.tokens[passage.start - 1 : -1] for passage in passages]
    wanted = [passage.tokens[passage.start :] for passage in passages]
    longest = max(map(len, fed))
    rows = network.read([passage.tokens[: passage.start - 1] for passage in passages], [1] * len(passages), longest)
    scored: list[list[ScoredToken]] = [[] for _ in passages]
    width = max(1, LOGITS // (len(passages) * network.config.vocab_size))
    for begin in range(0, longest, width):
        end = min(longest, begin + width)
        step = _step(network, rows, [tokens[begin:end] for tokens in fed], end - begin)
        for row, (tokens, here) in enumerate(zip(scored, wanted, strict=True)):
            tokens.extend(step.scored(row, here[begin:end], likeliest))
    return [tuple(tokens) for tokens in scored]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    logprobs_RCV: Tensor

    def scored(self, row: int, wanted: Sequence[int], likeliest: int) -> list[ScoredToken]:
        if not wanted:
            return []
        logprobs_CV = self.logprobs_RCV[row, : len(wanted)]
        tokens_C = torch.tensor(wanted, device=logprobs_CV.device)
        own: list[float] = logprobs_CV.gather(1, tokens_C[:, None])[:, 0].tolist()
        top = logprobs_CV.topk(min(likeliest, logprobs_CV.shape[1]), dim=-1)
        pairs: list[list[tuple[int, float]]] = [
            list(zip(indices, values, strict=True))
            for indices, values in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]
        return [ScoredToken(token, value, tuple(best)) for token, value, best in zip(wanted, own, pairs, strict=True)]


def _step(network: Network, rows: Rows, fed: Sequence[Sequence[int]], width: int) -> _Step:
    """Shorter rows are padded behind, where causality keeps the padding out."""
    padded = [[*tokens, *[0] * (width - len(tokens))] for tokens in fed]
    logits_RCV = network.step(rows, torch.tensor(padded, device=network.weight.device))
    if bool(logits_RCV[:, 0].isnan().any()):
        raise ModelError("the model computes no numbers (NaN): its weights are broken", "Take an earlier checkpoint.")
    return _Step(logits_RCV.log_softmax(-1))
