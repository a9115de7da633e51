from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.errors import InvariantError
from charter.training.batches import WeightedTokens, collate, plan_batches

LENGTHS = st.lists(st.integers(1, 60), max_size=200)


@given(LENGTHS, st.integers(1, 200), st.integers(0, 2**40))
def test_an_epoch_visits_every_example_once_and_keeps_to_the_budget(lengths: list[int], budget: int, seed: int) -> None:
    batches = plan_batches(lengths, budget, seed, epoch=0)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


def test_batches_follow_from_seed_and_epoch() -> None:
    lengths = [3 + 7 * i % 40 for i in range(300)]
    assert plan_batches(lengths, 128, 1, 0) == plan_batches(lengths, 128, 1, 0)
    assert plan_batches(lengths, 128, 1, 0) != plan_batches(lengths, 128, 1, 1)
    assert plan_batches(lengths, 128, 1, 0) != plan_batches(lengths, 128, 2, 0)


def test_sorting_by_length_leaves_little_padding() -> None:
    lengths = [10 + (37 * i) % 90 for i in range(1000)]
    batches = plan_batches(lengths, 1024, 0, 0)
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert sum(lengths) / padded > 0.9


def test_rows_are_padded_on_the_right_with_no_weight() -> None:
    batch = collate([WeightedTokens.answer([5, 6, 7], 1, 3), WeightedTokens.answer([8], 1, 1)], pad_token=9)
    assert batch.tokens_BT.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch.weights_BT.tolist() == [[0, 1, 1], [0, 0, 0]]
    assert batch.lengths_B.tolist() == [3, 1]
    assert batch.num_tokens == 4


def test_a_weight_on_the_first_token_is_refused() -> None:
    with pytest.raises(InvariantError, match="first token"):
        WeightedTokens(np.array([1, 2], dtype=np.int32), np.array([1, 1], dtype=np.float32))
    with pytest.raises(InvariantError, match="equally long"):
        WeightedTokens(np.array([1, 2], dtype=np.int32), np.array([0], dtype=np.float32))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=9))
def test_halves_hold_the_same_rows_without_needless_padding(lengths: list[int]) -> None:
    rows = [WeightedTokens.answer(range(1, length + 1), 1, length) for length in lengths]
    halves = collate(rows, pad_token=0).halves()
    assert [int(length) for half in halves for length in half.lengths_B] == lengths
    assert [half.num_tokens for half in halves] == [int((half.tokens_BT != 0).sum()) for half in halves]
    assert all(half.tokens_BT.shape[1] == int(half.lengths_B.max()) for half in halves)
    assert len(halves) == min(2, len(rows))
