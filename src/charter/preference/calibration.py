"""How far a preference model's probabilities can be believed, on labels that it wasn't trained on.

Its probability that a is better is s(r_a - r_b) (Bai et al. 2022a, §3.3). A reliability curve sets it beside the
judge's (the paper's Figure 9 does so for the judge itself), and the expected calibration error is the curve's mean
distance from the diagonal (Naeini et al. 2015; here against soft labels, not outcomes).

Which side of a pair is called a means nothing, so each pair enters from both sides: a swapped pair changes no figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from charter.types import TIE_TOLERANCE

NUM_BINS = 10
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A held-out label, ``p_a`` being the judge's probability that a is better, and what the model gave each side."""

    id: str
    p_a: float
    score_a: float
    score_b: float

    def swap(self) -> ScoredLabel:
        return ScoredLabel(self.id, 1 - self.p_a, self.score_b, self.score_a)

    @property
    def margin(self) -> float:
        return self.score_a - self.score_b

    @property
    def predicted(self) -> float:
        """The model's probability that a is better."""
        return sigmoid(self.margin)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions in [low, high): how many pairs, what was predicted on average, and what the judge said.

    ``judged_low`` and ``judged_high`` bound the judge's mean with 95 %, by Wilson's interval, as if each label were an
    outcome: wider than need be for soft labels.
    """

    low: float
    high: float
    n: int
    predicted: float
    judged: float
    judged_low: float
    judged_high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What held-out labels say of a preference model. A figure is None where no label could give it.

    ``accuracy``: the share of the ``decided`` labels (no ties) whose sign the model gets right; an exact draw is half
    right. ``nll``: the mean loss in nats, and ``nll_floor`` the judge's own entropy, below which no model can go.
    """

    n: int
    decided: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    nll: float | None
    nll_floor: float | None
    expected_calibration_error: float | None
    curve: tuple[ReliabilityBin, ...]


def calibrate(labels: Sequence[ScoredLabel]) -> Calibration:
    """The figures of a held-out set, perhaps an empty one."""
    decided = [label for label in labels if abs(2 * label.p_a - 1) > TIE_TOLERANCE]
    accuracy = _mean([_right(label) for label in decided])
    low, high = (None, None) if accuracy is None else wilson(accuracy, len(decided))
    curve = reliability_curve(labels)
    sides = sum(point.n for point in curve)
    distance = sum(point.n * abs(point.predicted - point.judged) for point in curve)
    return Calibration(
        n=len(labels),
        decided=len(decided),
        accuracy=accuracy,
        accuracy_low=low,
        accuracy_high=high,
        nll=_mean([_cross_entropy(label.p_a, label.margin) for label in labels]),
        nll_floor=_mean([_entropy(label.p_a) for label in labels]),
        expected_calibration_error=distance / sides if sides else None,
        curve=curve,
    )


def reliability_curve(labels: Sequence[ScoredLabel]) -> tuple[ReliabilityBin, ...]:
    """``NUM_BINS`` bins of equal width over [0, 1]; those without a prediction are left out."""
    bins: list[list[ScoredLabel]] = [[] for _ in range(NUM_BINS)]
    for label in labels:
        for side in (label, label.swap()):
            bins[min(NUM_BINS - 1, int(side.predicted * NUM_BINS))].append(side)
    return tuple(_point(index, members) for index, members in enumerate(bins) if members)


def wilson(mean: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share ``mean`` of ``n``."""
    spread = Z_95 * Z_95 / n
    centre = (mean + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(mean * (1 - mean) / n + spread / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _point(index: int, members: Sequence[ScoredLabel]) -> ReliabilityBin:
    predicted = math.fsum(side.predicted for side in members) / len(members)
    judged = math.fsum(side.p_a for side in members) / len(members)
    low, high = wilson(judged, len(members))
    return ReliabilityBin(index / NUM_BINS, (index + 1) / NUM_BINS, len(members), predicted, judged, low, high)


def _right(label: ScoredLabel) -> float:
    if label.margin == 0:
        return 0.5
    return float((label.margin > 0) == (label.p_a > 0.5))


def _cross_entropy(p: float, margin: float) -> float:
    """-(p log s(d) + (1 - p) log s(-d)) in nats."""
    return p * _softplus(-margin) + (1 - p) * _softplus(margin)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _entropy(p: float) -> float:
    return -math.fsum(q * math.log(q) for q in (p, 1 - p) if q > 0)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
