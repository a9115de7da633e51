from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.models.sampling import draw, uniforms


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 700), seed=st.integers(0, 2**63 - 1))
def test_a_draw_is_the_inverse_of_the_cumulative_distribution(size: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(8, size, generator=generator) * 3
    points = torch.rand(8, generator=generator, dtype=torch.float64)
    cumulative = np.cumsum(torch.softmax(logits / 0.7, -1).double().numpy(), axis=-1)
    expected = [
        int(np.searchsorted(row, point * row[-1], side="right"))
        for row, point in zip(cumulative, points.tolist(), strict=True)
    ]
    assert draw(logits, torch.full((8,), 0.7), points).tolist() == expected


def test_draws_come_as_often_as_their_probabilities_say() -> None:
    probs = torch.tensor([0.5, 0.0, 0.3, 0.2])
    points = uniforms(3, 20_000)
    drawn = draw(probs.log().expand(20_000, 4), torch.ones(20_000), points)
    shares = torch.bincount(drawn, minlength=4) / 20_000
    assert shares[1] == 0
    assert torch.allclose(shares, probs, atol=0.015)


def test_even_the_largest_uniform_number_draws_no_impossible_token() -> None:
    logits = torch.full((1, 600), -torch.inf)
    logits[0, 257] = logits[0, 300] = 0.0
    assert draw(logits, torch.ones(1), torch.tensor([1 - 2**-53], dtype=torch.float64)).item() == 300
    assert draw(logits, torch.ones(1), torch.zeros(1, dtype=torch.float64)).item() == 257


def test_temperature_zero_takes_the_likeliest_beside_others_that_draw() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.9], [0.0, 1.0, 0.9]])
    drawn = draw(logits, torch.tensor([0.0, 1.0]), torch.tensor([0.99, 0.99], dtype=torch.float64))
    assert drawn.tolist() == [1, 2]


def test_a_longer_sequence_begins_with_a_shorter_one() -> None:
    assert torch.equal(uniforms(7, 50)[:20], uniforms(7, 20))
    assert not torch.equal(uniforms(7, 20), uniforms(8, 20))
