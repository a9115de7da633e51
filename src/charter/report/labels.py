"""What a run's labels come to, added up while they stream by: states, probabilities, what each principle decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import get_args

from charter.types import Judgement, LabelState, PreferenceLabel

NUM_BINS = 20
STATES: tuple[LabelState, ...] = get_args(LabelState)
NEAR_EVEN = 0.1  # a probability within this of one half hardly decides


@dataclass(frozen=True, slots=True)
class PrincipleFigures:
    """How one principle was used. ``drawn`` counts labels that asked about it, ``unusable`` those that came to nothing.

    Of the others that have a verdict by it (``answered``): their mean certainty, the larger of the two probabilities;
    how many were near even; of those asked in both orders with a preference in each (``both_orders``), in how many the
    preference changed sides with the order (``turned``).
    """

    principle_id: str
    drawn: int
    unusable: int
    answered: int
    certainty: float | None
    near_even: int
    both_orders: int
    turned: int


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """``p_a`` and ``inconsistency`` are counts in ``NUM_BINS`` equal bins over [0, 1]."""

    labels: int
    states: Mapping[LabelState, int]
    p_a: tuple[int, ...]
    inconsistency: tuple[int, ...]
    mean_inconsistency: float | None
    principles: tuple[PrincipleFigures, ...]

    @property
    def with_probability(self) -> int:
        return sum(self.p_a)

    @property
    def with_inconsistency(self) -> int:
        return sum(self.inconsistency)

    @property
    def strongly_inconsistent(self) -> float | None:
        """The share of labels whose probability moved by one half or more with the order shown."""
        return sum(self.inconsistency[NUM_BINS // 2 :]) / self.with_inconsistency if self.with_inconsistency else None


@dataclass(slots=True)
class _Sums:
    counts: Counter[str] = field(default_factory=Counter[str])
    certainty: float = 0.0


def add_up(labels: Iterable[PreferenceLabel]) -> LabelFigures:
    """The figures of all labels; memory grows with the number of principles alone."""
    states: Counter[LabelState] = Counter()
    p_a, inconsistency = [0] * NUM_BINS, [0] * NUM_BINS
    inconsistency_sum = 0.0
    principles: dict[str, _Sums] = {}
    for label in labels:
        states[label.state] += 1
        if label.p_a is not None:
            p_a[_bin(label.p_a)] += 1
        gap = label.inconsistency
        if gap is not None:
            inconsistency[_bin(gap)] += 1
            inconsistency_sum += gap
        for principle_id, group in groupby(label.judgements, key=lambda judgement: judgement.principle_id):
            _add(principles.setdefault(principle_id, _Sums()), list(group), label.weights is not None)
    counted = sum(inconsistency)
    found = [_figures(principle_id, sums) for principle_id, sums in principles.items()]
    return LabelFigures(
        labels=states.total(),
        states={state: states[state] for state in STATES},
        p_a=tuple(p_a),
        inconsistency=tuple(inconsistency),
        mean_inconsistency=inconsistency_sum / counted if counted else None,
        principles=tuple(sorted(found, key=lambda figures: (-figures.drawn, figures.principle_id))),
    )


def _add(sums: _Sums, judgements: Sequence[Judgement], usable: bool) -> None:
    """Adds one label's judgements by one principle; those of a label that came to nothing are only counted."""
    sums.counts["drawn"] += 1
    if not usable:
        sums.counts["unusable"] += 1
        return
    probabilities = {
        judgement.order: judgement.verdict.p_a
        for judgement in judgements
        if judgement.verdict is not None and judgement.verdict.usable_mass > 0
    }
    counts = sums.counts
    if probabilities:
        mean = sum(probabilities.values()) / len(probabilities)
        counts["answered"] += 1
        counts["near_even"] += abs(mean - 0.5) <= NEAR_EVEN
        sums.certainty += max(mean, 1 - mean)
    if len(probabilities) == 2 and 0.5 not in probabilities.values():
        counts["both_orders"] += 1
        counts["turned"] += (probabilities["ab"] > 0.5) != (probabilities["ba"] > 0.5)


def _figures(principle_id: str, sums: _Sums) -> PrincipleFigures:
    counts = sums.counts
    return PrincipleFigures(
        principle_id=principle_id,
        drawn=counts["drawn"],
        unusable=counts["unusable"],
        answered=counts["answered"],
        certainty=sums.certainty / counts["answered"] if counts["answered"] else None,
        near_even=counts["near_even"],
        both_orders=counts["both_orders"],
        turned=counts["turned"],
    )


def _bin(value: float) -> int:
    return min(NUM_BINS - 1, max(0, int(value * NUM_BINS)))
