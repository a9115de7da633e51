"""What the manifest says of a part's labels: sums, so that parts add up to the stage, and shares made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from charter.types import Judgement, PreferenceLabel, Verdict

STATES = ("labelled", "tied", "abstained", "failed")


def count_labels(labels: Iterable[PreferenceLabel]) -> dict[str, float]:
    """Sums over labels.

    Labels by state; judgements, and those without a verdict (``unreadable``); ``inconsistency_sum`` over the
    ``inconsistency_labels`` that have one; ``swapped_pairs`` (one principle, both orders, a preference in each) and
    those of them in which the preferred *place* stayed (``place_kept``); ``prompt_tokens``.
    """
    names = ("judgements", "unreadable", "inconsistency_sum", "inconsistency_labels")
    counts: dict[str, float] = dict.fromkeys(
        ("labels", *STATES, *names, "swapped_pairs", "place_kept", "prompt_tokens"), 0
    )
    for label in labels:
        counts["labels"] += 1
        counts[label.state] += 1
        counts["judgements"] += len(label.judgements)
        counts["unreadable"] += sum(judgement.verdict is None for judgement in label.judgements)
        counts["prompt_tokens"] += sum(judgement.prompt_tokens for judgement in label.judgements)
        inconsistency = label.inconsistency
        if inconsistency is not None:
            counts["inconsistency_labels"] += 1
            counts["inconsistency_sum"] += inconsistency
        for stayed in _places_kept(label):
            counts["swapped_pairs"] += 1
            counts["place_kept"] += stayed
    return counts


def label_rates(counts: Mapping[str, float]) -> dict[str, float]:
    """``mean_inconsistency``, and ``position_share``: of pairs asked in both orders, whose preferred place stayed.

    The second is Lee et al.'s measure (arXiv 2309.00267). What has nothing to be a share of is left out.
    """
    rates: dict[str, float] = {}
    if counts["inconsistency_labels"]:
        rates["mean_inconsistency"] = counts["inconsistency_sum"] / counts["inconsistency_labels"]
    if counts["swapped_pairs"]:
        rates["position_share"] = counts["place_kept"] / counts["swapped_pairs"]
    return rates


def _places_kept(label: PreferenceLabel) -> list[bool]:
    """For each principle that was asked in both orders and preferred a side each time: was it the same place?"""
    kept: list[bool] = []
    for _, group in groupby(label.judgements, key=lambda judgement: judgement.principle_id):
        places = {judgement.order: _prefers_first(judgement, judgement.verdict) for judgement in group}
        if len(places) == 2 and None not in places.values():
            kept.append(places["ab"] == places["ba"])
    return kept


def _prefers_first(judgement: Judgement, verdict: Verdict | None) -> bool | None:
    """Whether the side shown first was preferred; None for no preference."""
    if verdict is None or verdict.a == verdict.b:
        return None
    return (verdict.a > verdict.b) == (judgement.order == "ab")
