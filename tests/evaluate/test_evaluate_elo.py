from __future__ import annotations

import math
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.evaluate.elo import elo, fit
from charter.types import Candidate, Comparison, Conversation, PreferenceLabel, Prompt, Verdict

PLANTED = {"helpful_only": 0.0, "sl_cai": 120.0, "rl_cai": 300.0}


def match(prompt_id: str, a: str, b: str, p_a: float | None) -> PreferenceLabel:
    prompt = Prompt(prompt_id, Conversation.of("Hi"), "red_team", "c", "s", "evaluation")
    comparison = Comparison(f"{prompt_id}-{a}-{b}", prompt, Candidate("x", a, "m"), Candidate("y", b, "m"))
    weights = None if p_a is None else Verdict(p_a, 1 - p_a)
    return PreferenceLabel(comparison.id, comparison, (), "abstained" if weights is None else "labelled", weights)


def played(ratings: dict[str, float], num_prompts: int, rng: Random) -> list[PreferenceLabel]:
    return [
        match(f"p{index}", a, b, float(rng.random() < 1 / (1 + 10 ** ((ratings[b] - ratings[a]) / 400))))
        for index in range(num_prompts)
        for a, b in combinations(ratings, 2)
    ]


def test_planted_ratings_lie_within_the_intervals() -> None:
    ratings = elo(played(PLANTED, 300, Random(1)), seed=0, samples=100)
    for policy, planted in PLANTED.items():
        assert ratings[policy].low <= planted <= ratings[policy].high
    assert ratings["helpful_only"].mean == ratings["helpful_only"].high == 0
    assert ratings["rl_cai"].n == 600


def test_soft_outcomes_give_the_planted_ratings_but_for_the_prior() -> None:
    labels = [
        match(f"p{index}", a, b, 1 / (1 + 10 ** ((PLANTED[b] - PLANTED[a]) / 400)))
        for index in range(2000)
        for a, b in combinations(PLANTED, 2)
    ]
    for policy, rating in elo(labels, seed=0, samples=5).items():
        assert rating.mean == pytest.approx(PLANTED[policy], abs=1)


def test_ratings_do_not_depend_on_the_order_of_labels_or_the_side_shown() -> None:
    labels = played(PLANTED, 30, Random(2))
    shuffled = Random(3).sample(labels, len(labels))
    assert elo(shuffled, seed=0, samples=20) == elo(labels, seed=0, samples=20)
    swapped = elo([label.swap() for label in labels], seed=0, samples=20)
    for policy, rating in elo(labels, seed=0, samples=20).items():
        assert swapped[policy].mean == pytest.approx(rating.mean, abs=1e-6)
        assert swapped[policy].low == pytest.approx(rating.low, abs=1e-6)


def test_ratings_do_not_depend_on_names() -> None:
    renamed = {"helpful_only": "z", "sl_cai": "b", "rl_cai": "a"}
    labels = played(PLANTED, 30, Random(2))
    again = [
        match(
            label.comparison.prompt.id,
            renamed[label.comparison.a.policy],
            renamed[label.comparison.b.policy],
            label.p_a,
        )
        for label in labels
    ]
    ratings = elo(again, seed=0, samples=20, anchor="z")
    for policy, rating in elo(labels, seed=0, samples=20).items():
        assert ratings[renamed[policy]].mean == pytest.approx(rating.mean, abs=1e-6)
        assert ratings[renamed[policy]].high == pytest.approx(rating.high, abs=1e-6)


def test_exchanging_two_policies_negates_the_difference() -> None:
    wins = np.array([[0.0, 30.0], [10.0, 0.0]])
    assert fit(wins, 0)[1] == pytest.approx(-fit(wins.T, 0)[1])


def test_winning_every_match_stays_finite() -> None:
    ratings = elo([match(f"p{index}", "helpful_only", "rl_cai", 0.0) for index in range(150)], seed=0, samples=10)
    assert ratings["rl_cai"].mean == pytest.approx(400 * math.log10(150.5 / 0.5))


def test_matches_without_a_label_are_counted_and_left_out() -> None:
    labels = [match("p0", "helpful_only", "rl_cai", 0.25), match("p1", "helpful_only", "rl_cai", None)]
    rating = elo(labels, seed=0, samples=5)["rl_cai"]
    assert (rating.n, rating.unusable) == (1, 1)
    assert elo(labels[1:], seed=0, samples=5) == {}


def test_an_anchor_that_never_played_is_an_error() -> None:
    with pytest.raises(ValueError, match="helpful_only"):
        elo([match("p0", "sl_cai", "rl_cai", 0.5)], seed=0, samples=5)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=25, max_size=25))
def test_the_fit_converges_for_any_wins(values: list[float]) -> None:
    wins = np.array(values).reshape(5, 5)
    np.fill_diagonal(wins, 0)
    assert np.isfinite(fit(wins, 2)).all()
