"""Elo ratings of policies from a judge's labels, by the Bradley-Terry model's likelihood (HH, arXiv 2204.05862, B.5).

A beats B with probability ``1 / (1 + 10^((R_B - R_A) / 400))``. An outcome is soft: it counts for either side with its
weight. So that a policy that wins every match keeps a finite rating, every pair of policies is given ``PRIOR_MATCHES``
drawn matches beside the real ones. Between two policies with 150 real matches, a lead of 400 points is then found as
394, and winning all of them is a lead of 991. Intervals are the bootstrap's over prompts, since one prompt's answers
are judged in several matches, which are not independent.

Legend of shapes: M matches, P policies, Q prompts, S bootstrap samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charter.errors import InvariantError
from charter.seeds import derive_seed
from charter.stage_names import HELPFUL_ONLY
from charter.types import Estimate, PreferenceLabel

Floats = npt.NDArray[np.float64]

ANCHOR = HELPFUL_ONLY
POINTS_PER_NAT = 400 / math.log(10)
PRIOR_MATCHES = 1.0
MAX_STEP = 2.0  # nats that a Newton step may move a rating: far from the optimum the full step can overshoot
MAX_STEPS = 200
CONVERGED = 1e-8  # nats


def elo(labels: Sequence[PreferenceLabel], seed: int, samples: int, anchor: str = ANCHOR) -> dict[str, Estimate]:
    """Ratings by policy, the anchor's being 0, each with a 95 % interval from ``samples`` resamplings of the prompts.

    ``n`` counts a policy's matches, ``unusable`` those without a label. Empty where there is no usable match. Raises
    ``ValueError`` if the anchor played none.
    """
    matches = _matches(labels)
    if not matches:
        return {}
    policies = sorted({policy for match in matches for policy in (match.a, match.b)})
    if anchor not in policies:
        raise ValueError(f"no usable match of {anchor!r}, which the ratings are anchored at; policies: {policies}")
    wins_QPP = _wins_by_prompt(matches, policies)
    ratings_P = fit(wins_QPP.sum(0), policies.index(anchor))
    sampled_SP = _bootstrap(wins_QPP, policies.index(anchor), samples, seed)
    return {
        policy: _estimate(policy, float(ratings_P[index]), sampled_SP[:, index], labels)
        for index, policy in enumerate(policies)
    }


def fit(wins_PP: Floats, anchor: int) -> Floats:
    """Ratings in points from ``wins_PP[i, j]``, the summed weight with which i beat j.

    Newton's method: a few steps for any wins, as the prior matches make the likelihood strictly concave.
    """
    num_policies = len(wins_PP)
    wins_PP = wins_PP + PRIOR_MATCHES / 2 * (1 - np.eye(num_policies))
    played_PP = wins_PP + wins_PP.T
    free = np.arange(num_policies) != anchor
    nats_P = np.zeros(num_policies)
    for _ in range(MAX_STEPS):
        chance_PP = 1 / (1 + np.exp(nats_P[None, :] - nats_P[:, None]))
        gradient_P = (wins_PP - played_PP * chance_PP).sum(1)
        information_PP = -played_PP * chance_PP * chance_PP.T
        np.fill_diagonal(information_PP, 0.0)
        np.fill_diagonal(information_PP, -information_PP.sum(1))
        step: Floats = np.linalg.solve(information_PP[np.ix_(free, free)], gradient_P[free])
        largest = float(np.abs(step).max(initial=0.0))
        nats_P[free] += step * min(1.0, MAX_STEP / largest if largest else 1.0)
        if largest < CONVERGED:
            return nats_P * POINTS_PER_NAT
    raise InvariantError(f"the Bradley-Terry fit did not converge in {MAX_STEPS} steps")


@dataclass(frozen=True, slots=True)
class _Match:
    prompt: str
    a: str
    b: str
    weight_a: float
    weight_b: float


def _matches(labels: Sequence[PreferenceLabel]) -> list[_Match]:
    """Usable matches in an order of their own, so that sums don't depend on the order of the labels."""
    matches = [
        _Match(
            label.comparison.prompt.id,
            label.comparison.a.policy,
            label.comparison.b.policy,
            label.weights.a,
            label.weights.b,
        )
        for label in labels
        if label.weights is not None
    ]
    return sorted(matches, key=lambda match: (match.prompt, match.a, match.b, match.weight_a))


def _wins_by_prompt(matches: Sequence[_Match], policies: Sequence[str]) -> Floats:
    place = {policy: index for index, policy in enumerate(policies)}
    row = {prompt: index for index, prompt in enumerate(sorted({match.prompt for match in matches}))}
    wins_QPP = np.zeros((len(row), len(policies), len(policies)))
    for match in matches:
        wins_QPP[row[match.prompt], place[match.a], place[match.b]] += match.weight_a
        wins_QPP[row[match.prompt], place[match.b], place[match.a]] += match.weight_b
    return wins_QPP


def _bootstrap(wins_QPP: Floats, anchor: int, samples: int, seed: int) -> Floats:
    generator = np.random.Generator(np.random.PCG64(derive_seed(seed, "elo", "bootstrap")))
    num_prompts = len(wins_QPP)
    drawn_SQ = generator.integers(num_prompts, size=(samples, num_prompts))
    return np.stack([fit(wins_QPP[drawn_Q].sum(0), anchor) for drawn_Q in drawn_SQ])


def _estimate(policy: str, rating: float, sampled_S: Floats, labels: Sequence[PreferenceLabel]) -> Estimate:
    low, high = (float(bound) for bound in np.percentile(sampled_S, [2.5, 97.5]))
    played = [label for label in labels if policy in (label.comparison.a.policy, label.comparison.b.policy)]
    unusable = sum(label.weights is None for label in played)
    # With few prompts a percentile can miss the estimate itself; the interval always holds it.
    return Estimate(rating, min(low, rating), max(high, rating), len(played) - unusable, unusable)
