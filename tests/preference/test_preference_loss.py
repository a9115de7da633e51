from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from charter.preference.loss import soft_preference_loss

MARGINS = st.floats(-30, 30)
SHARES = st.floats(0, 1)


def loss(margin: float, target: float) -> float:
    return float(
        soft_preference_loss(torch.tensor([margin], dtype=torch.float64), torch.tensor([target], dtype=torch.float64))[
            0
        ]
    )


@given(MARGINS, SHARES)
def test_swapping_the_sides_changes_nothing(margin: float, target: float) -> None:
    assert math.isclose(loss(margin, target), loss(-margin, 1 - target), abs_tol=1e-9)


@given(MARGINS, SHARES)
def test_the_loss_is_never_below_the_labels_entropy_and_reaches_it_at_the_labels_log_odds(m: float, p: float) -> None:
    entropy = -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)
    assert loss(m, p) >= entropy - 1e-9
    if 1e-6 < p < 1 - 1e-6:
        assert math.isclose(loss(math.log(p / (1 - p)), p), entropy, abs_tol=1e-9)


def test_a_certain_label_gives_the_hard_loss() -> None:
    assert math.isclose(loss(0.7, 1.0), math.log(1 + math.exp(-0.7)), rel_tol=1e-12)
