"""What the preference model learns from: the labels that say something, split by prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from charter.seeds import derive_seed
from charter.types import PreferenceLabel

SEED_RANGE = 2**63  # what derive_seed draws from


@dataclass(frozen=True, slots=True)
class PreferenceData:
    """Labels to train on and labels held out, in order, and how many were left out by state."""

    train: tuple[PreferenceLabel, ...]
    held_out: tuple[PreferenceLabel, ...]
    left_out: Mapping[str, int]


def preference_data(labels: Iterable[PreferenceLabel], held_out: float, seed: int) -> PreferenceData:
    """Splits labels. Labelled and tied ones are used, a tie with its 0.5; abstained and failed ones are counted.

    All labels of a prompt fall on the same side, by a hash of the prompt's id: an answer to a prompt that was trained
    on would be no test.
    """
    left_out: Counter[str] = Counter()
    train: list[PreferenceLabel] = []
    kept_back: list[PreferenceLabel] = []
    for label in labels:
        if label.weights is None:
            left_out[label.state] += 1
        elif is_held_out(label.comparison.prompt.id, held_out, seed):
            kept_back.append(label)
        else:
            train.append(label)
    return PreferenceData(tuple(train), tuple(kept_back), dict(sorted(left_out.items())))


def is_held_out(prompt_id: str, share: float, seed: int) -> bool:
    """Whether a prompt is among the ``share`` that is held out."""
    return derive_seed(seed, "held out", prompt_id) < share * SEED_RANGE
