"""Token sequences with a loss weight a token, and their batches.

Shapes: B rows of a batch, T positions. ``weights_BT[b, t]`` weighs the prediction *of* token t, so the first position's
is always 0: nothing predicts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charter.errors import InvariantError
from charter.seeds import derive_seed

BUCKET_BATCHES = (
    16  # lengths are sorted within this many batches' worth of examples: little padding, order still random
)


@dataclass(frozen=True, slots=True, eq=False)
class WeightedTokens:
    """One sequence: token ids (int32) and the loss weight of each (float32), of equal length."""

    tokens: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.tokens.shape != self.weights.shape or self.tokens.ndim != 1 or not len(self.tokens):
            raise InvariantError(
                f"tokens {self.tokens.shape} and weights {self.weights.shape} must be equally long rows"
            )
        if self.weights[0] != 0:
            raise InvariantError("the first token is predicted by nothing: its weight must be 0")

    @classmethod
    def answer(cls, tokens: Sequence[int], start: int, end: int) -> WeightedTokens:
        """A sequence whose loss falls on tokens ``start`` to ``end`` (exclusive) alone."""
        weights = np.zeros(len(tokens), dtype=np.float32)
        weights[start:end] = 1.0
        return cls(np.asarray(tokens, dtype=np.int32), weights)

    @classmethod
    def unweighted(cls, tokens: Sequence[int]) -> WeightedTokens:
        """A sequence that is only read."""
        return cls.answer(tokens, 0, 0)

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Right-padded rows. ``lengths_B`` counts each row's real tokens; a padded position has weight 0.

    No attention mask goes with it: under causal attention no real position sees the padding to its right.
    """

    tokens_BT: Tensor
    weights_BT: Tensor
    lengths_B: Tensor

    @property
    def num_tokens(self) -> int:
        """Real tokens, without padding."""
        return int(self.lengths_B.sum())

    def to(self, device: torch.device) -> TokenBatch:
        return TokenBatch(self.tokens_BT.to(device), self.weights_BT.to(device), self.lengths_B.to(device))

    def rows(self, chosen: slice | Tensor) -> TokenBatch:
        """Some of the rows, without the columns that none of them needs."""
        lengths_B = self.lengths_B[chosen]
        longest = int(lengths_B.max())
        return TokenBatch(self.tokens_BT[chosen, :longest], self.weights_BT[chosen, :longest], lengths_B)

    def halves(self) -> list[TokenBatch]:
        """Two batches of the same rows; the batch itself if it is one row."""
        middle = len(self.lengths_B) // 2
        return [self.rows(slice(middle)), self.rows(slice(middle, None))] if middle else [self]


def collate(rows: Sequence[WeightedTokens], pad_token: int) -> TokenBatch:
    """Pads rows on the right to the longest."""
    longest = max(len(row) for row in rows)
    tokens = np.full((len(rows), longest), pad_token, dtype=np.int64)
    weights = np.zeros((len(rows), longest), dtype=np.float32)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row.tokens
        weights[index, : len(row)] = row.weights
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.long)
    return TokenBatch(torch.from_numpy(tokens), torch.from_numpy(weights), lengths)


def plan_batches(lengths: Sequence[int], budget: int, seed: int, epoch: int) -> list[list[int]]:
    """An epoch's batches, as indices: every index once, each batch at most ``budget`` tokens with its padding.

    Examples are shuffled, cut into buckets of about ``BUCKET_BATCHES`` batches, sorted by length within a bucket and
    cut into batches, whose order is shuffled again. All of it follows from ``seed`` and ``epoch``. An example longer
    than the budget makes a batch of its own.
    """
    generator = np.random.default_rng(derive_seed(seed, "batches", epoch))
    order = [int(index) for index in generator.permutation(len(lengths))]
    batches: list[list[int]] = []
    bucket: list[int] = []
    tokens = 0
    for index in order:
        bucket.append(index)
        tokens += lengths[index]
        if tokens >= budget * BUCKET_BATCHES:
            batches += pack(bucket, lengths, budget)
            bucket, tokens = [], 0
    batches += pack(bucket, lengths, budget)
    return [batches[int(index)] for index in generator.permutation(len(batches))]


def pack(indices: Sequence[int], lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Cuts ``indices``, sorted by length, into batches of at most ``budget`` padded tokens each.

    Equal lengths keep the order in which they came.
    """
    batches: list[list[int]] = []
    current: list[int] = []
    for index in sorted(indices, key=lambda index: lengths[index]):
        if current and lengths[index] * (len(current) + 1) > budget:
            batches.append(current)
            current = []
        current.append(index)
    return [*batches, current] if current else batches
