"""Near-duplicates out, by MinHash (Broder 1997) with banding (Leskovec, Rajaraman and Ullman, ch. 3).

A prompt's signature is, for each of 128 hash functions, the least value over its shingles: two prompts agree in a place
with a probability that is the Jaccard similarity of their shingles. Places are grouped in bands; prompts that agree in
a whole band are looked at, and one goes if the exact similarity, by their words, reaches the threshold. So a prompt
that goes always is that similar to one that stays; one in a thousand of those that are just at the threshold is missed.

Which of two stays follows from their words, not from the file's order.

Legend: N prompts, H hash functions, B bands, S shingles.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from charter.prompts.words import jaccard, shingles
from charter.seeds import derive_seed
from charter.types import Prompt, SkippedPrompt

NUM_HASHES = 128
MISSED = 1e-3  # the share of pairs at the threshold that no band may bring together
_MARGIN = 4 * (0.25 / NUM_HASHES) ** 0.5  # four standard deviations of a similarity read off two signatures


def without_near_duplicates(
    prompts: Sequence[Prompt], threshold: float, seed: int
) -> tuple[tuple[Prompt, ...], tuple[SkippedPrompt, ...]]:
    """The prompts of which no two that were compared are ``threshold`` alike, in order, and those that went.

    ``threshold`` is a Jaccard similarity in (0, 1]. The reason of one that went names the prompt that stays.
    """
    if not prompts:
        return (), ()
    ordered = sorted(prompts, key=lambda prompt: prompt.id)
    signatures_NH = np.stack([signature(shingles(prompt), seed) for prompt in ordered])
    buckets_NB = _buckets(signatures_NH, rows_per_band(threshold), seed)
    kept_in: dict[tuple[int, int], list[int]] = {}  # of a band's bucket: the prompts in it that stay
    gone: dict[str, SkippedPrompt] = {}
    for index, prompt in enumerate(ordered):
        shared = [(band, int(bucket)) for band, bucket in enumerate(buckets_NB[index]) if bucket >= 0]
        met = sorted({other for place in shared for other in kept_in.get(place, ())})
        alike = _alike(index, met, ordered, signatures_NH, threshold)
        if alike is not None:
            other, similarity = alike
            reason = f"near-duplicate of {ordered[other].id} (similarity {similarity:.2f})"
            gone[prompt.id] = SkippedPrompt(prompt.id, prompt.source, reason)
            continue
        for place in shared:
            kept_in.setdefault(place, []).append(index)
    kept = tuple(prompt for prompt in prompts if prompt.id not in gone)
    return kept, tuple(gone[prompt.id] for prompt in prompts if prompt.id in gone)


def signature(shingle_set: frozenset[str], seed: int) -> NDArray[np.uint32]:
    """The least value of each hash function over the shingles, of shape (H,).

    Shingles are hashed to 32 bits, and those by multiply-shift (Dietzfelbinger et al. 1997): the upper half of a·x + b
    in 64 bits, with a odd.
    """
    hashes_S = np.fromiter((zlib.crc32(run.encode()) for run in shingle_set), np.uint64, len(shingle_set))
    odd_H, offset_H = _functions(seed)
    return ((odd_H[:, None] * hashes_S[None, :] + offset_H[:, None]) >> np.uint64(32)).min(axis=1).astype(np.uint32)


def rows_per_band(threshold: float) -> int:
    """The most places a band, hence the fewest chance meetings, at which no more than ``MISSED`` are missed."""
    fitting = [rows for rows in (16, 8, 4, 2) if (1 - threshold**rows) ** (NUM_HASHES // rows) <= MISSED]
    return fitting[0] if fitting else 1


@cache
def _functions(seed: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    drawn = [derive_seed(seed, "minhash", number) for number in range(2 * NUM_HASHES)]
    numbers = np.array(drawn, np.uint64)
    return (numbers[:NUM_HASHES] << np.uint64(1)) | np.uint64(1), numbers[NUM_HASHES:]


def _buckets(signatures_NH: NDArray[np.uint32], rows: int, seed: int) -> NDArray[np.int64]:
    """Of each prompt and band, the number of its bucket; -1 where it is alone in it. Shape (N, B)."""
    weights = _functions(seed)[0][:rows]
    buckets: list[NDArray[np.int64]] = []
    for start in range(0, NUM_HASHES, rows):
        keys_N = (signatures_NH[:, start : start + rows].astype(np.uint64) * weights).sum(axis=1, dtype=np.uint64)
        _, bucket_N, size = np.unique(keys_N, return_inverse=True, return_counts=True)
        buckets.append(np.where(size[bucket_N] > 1, bucket_N, -1))
    return np.stack(buckets, axis=1)


def _alike(
    index: int, met: list[int], ordered: Sequence[Prompt], signatures_NH: NDArray[np.uint32], threshold: float
) -> tuple[int, float] | None:
    """The first of those met that is alike, and how much. Most are ruled out by their signatures."""
    if not met:
        return None
    own = shingles(ordered[index])
    agreement = (signatures_NH[met] == signatures_NH[index]).mean(axis=1)
    for other, estimate in zip(met, agreement, strict=True):
        if estimate >= threshold - _MARGIN:
            similarity = jaccard(own, shingles(ordered[other]))
            if similarity >= threshold:
                return other, similarity
    return None
