from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from charter.rl.advantage import leave_one_out
from charter.rl.loss import reinforce_loss
from charter.rl.reward import UNFINISHED_PENALTY, penalise_unfinished, rewards

GROUPS = st.integers(2, 6).flatmap(
    lambda samples: st.lists(st.lists(st.floats(-50, 50), min_size=samples, max_size=samples), min_size=1, max_size=5)
)


@given(GROUPS, st.floats(-100, 100))
def test_advantages_of_a_group_sum_to_nothing_and_ignore_a_shift_of_the_reward(
    groups: list[list[float]], by: float
) -> None:
    rewards_GS = torch.tensor(groups, dtype=torch.float64)
    advantages_GS = leave_one_out(rewards_GS)
    assert torch.allclose(advantages_GS.sum(dim=1), torch.zeros(len(groups), dtype=torch.float64), atol=1e-9)
    assert torch.allclose(leave_one_out(rewards_GS + by), advantages_GS, atol=1e-9)


def test_an_answer_is_compared_with_the_mean_of_the_others_alone() -> None:
    assert leave_one_out(torch.tensor([[3.0, 0.0, 6.0]])).tolist() == [[0.0, -4.5, 4.5]]


def test_an_unfinished_answer_earns_less_than_the_worst_of_its_group() -> None:
    scores = torch.tensor([[5.0, 1.0, 2.0], [0.0, 0.0, 7.0]])
    unfinished = torch.tensor([[True, False, False], [False, False, False]])
    assert penalise_unfinished(scores, unfinished).tolist() == [[1.0 - UNFINISHED_PENALTY, 1.0, 2.0], [0.0, 0.0, 7.0]]


def test_a_group_without_a_finished_answer_teaches_only_the_kl() -> None:
    scores = penalise_unfinished(torch.tensor([[5.0, 1.0]]), torch.tensor([[True, True]]))
    assert leave_one_out(rewards(scores, torch.tensor([[0.0, 0.0]]), 0.1)).tolist() == [[0.0, 0.0]]


def test_the_reward_falls_with_the_distance_from_the_start() -> None:
    assert rewards(torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 10.0]]), 0.02).tolist() == [[1.0, 0.800000011920929]]


def test_micro_batches_add_up_to_the_steps_loss() -> None:
    logprobs, advantages = torch.tensor([-1.0, -2.0, -3.0]), torch.tensor([1.0, -1.0, 0.5])
    whole = reinforce_loss(logprobs, advantages, 3)
    parts = reinforce_loss(logprobs[:1], advantages[:1], 3) + reinforce_loss(logprobs[1:], advantages[1:], 3)
    assert torch.isclose(whole, parts)


def test_a_step_along_the_gradient_makes_the_better_answer_likelier() -> None:
    logits = torch.zeros(2, requires_grad=True)
    reinforce_loss(logits.log_softmax(0), torch.tensor([1.0, -1.0]), 2).backward()
    assert logits.grad is not None and logits.grad[0] < 0 < logits.grad[1]
