"""Comparisons to labels: which principle is asked about, in which order, and what the judgements come to (CAI §4.1).

One drawn principle a comparison is the paper's way. Both orders, averaged, are Lee et al.'s (arXiv 2309.00267):
then swapping a comparison swaps its label exactly, whatever place the judge prefers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from charter.constitution import draw_many_for_comparison
from charter.feedback.judge import Judge, Question
from charter.recipe import Feedback as FeedbackSettings
from charter.seeds import derive_seed
from charter.types import (
    TIE_TOLERANCE,
    Comparison,
    Constitution,
    Judgement,
    LabelState,
    Order,
    PreferenceLabel,
    Verdict,
)


def label(
    comparisons: Sequence[Comparison], constitution: Constitution, judge: Judge, settings: FeedbackSettings, seed: int
) -> list[PreferenceLabel]:
    """One label a comparison, in their order. All questions go to the judge in one batch."""
    asked = [questions_about(comparison, constitution, settings, seed) for comparison in comparisons]
    judgements = iter(judge.judge([question for questions in asked for question in questions]))
    return [
        conclude(comparison, tuple(next(judgements) for _ in questions), settings.min_usable_mass)
        for comparison, questions in zip(comparisons, asked, strict=True)
    ]


def questions_about(
    comparison: Comparison, constitution: Constitution, settings: FeedbackSettings, seed: int
) -> list[Question]:
    """The principles drawn for this comparison, each in the orders asked for."""
    principles = draw_many_for_comparison(constitution, settings.principles_per_comparison, seed, comparison.id)
    return [
        Question(comparison, principle, order)
        for index, principle in enumerate(principles)
        for order in _orders(comparison, settings, derive_seed(seed, "order", comparison.id, index))
    ]


def conclude(comparison: Comparison, judgements: tuple[Judgement, ...], min_usable_mass: float) -> PreferenceLabel:
    """The label: the mean of the normalised verdicts of the judgements that answered, and the state it is in."""
    verdicts = [judgement.verdict for judgement in judgements if judgement.verdict is not None]
    usable = [verdict for verdict in verdicts if verdict.usable_mass >= min_usable_mass and verdict.usable_mass > 0]
    weights = _mean(usable) if usable else None
    state = _state(bool(verdicts), weights)
    return PreferenceLabel(f"label-{comparison.id}", comparison, judgements, state, weights)


def _orders(comparison: Comparison, settings: FeedbackSettings, seed: int) -> tuple[Order, ...]:
    """The orders to ask in. But for "fixed" they follow the sides' content: a swapped comparison is asked alike."""
    a, b = comparison.a, comparison.b
    swapped = (a.text, a.policy, a.model) > (b.text, b.policy, b.model)
    orders: tuple[Order, Order] = ("ba", "ab") if swapped else ("ab", "ba")
    match settings.order:
        case "both":
            return orders
        case "random":
            return (orders[seed % 2],)
        case "fixed":
            return ("ab",)


def _mean(verdicts: Sequence[Verdict]) -> Verdict:
    """The mean of the normalised verdicts, whose weights sum to 1 exactly: p_a + p_a of the swapped label is 1."""
    a = math.fsum(verdict.a / verdict.usable_mass for verdict in verdicts) / len(verdicts)
    b = math.fsum(verdict.b / verdict.usable_mass for verdict in verdicts) / len(verdicts)
    if a == b:
        return Verdict(0.5, 0.5)
    # s + (1 - s) is 1 in floating point for every s in [0, 0.5], so the smaller weight is kept and the larger follows.
    return Verdict(a, 1 - a) if a < b else Verdict(1 - b, b)


def _state(readable: bool, weights: Verdict | None) -> LabelState:
    if not readable:
        return "failed"
    if weights is None:
        return "abstained"
    return "tied" if abs(weights.a - weights.b) <= TIE_TOLERANCE else "labelled"
