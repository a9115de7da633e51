from __future__ import annotations

from collections import Counter

import pytest
from scipy.stats import binomtest, chisquare

from charter.constitution import draw_for_comparison, draw_for_revision, draw_many_for_comparison
from charter.errors import ConstitutionError
from charter.types import Constitution, Principle


def of_weights(*weights: float, critique: str = "c", comparison: str = "q") -> Constitution:
    rows = [
        Principle(f"p{n}", "t", "x", critique, critique, comparison, "s", weight) for n, weight in enumerate(weights)
    ]
    return Constitution("c", "1", "", tuple(rows))


def test_draws_are_uniform_where_weights_are_equal() -> None:
    constitution = of_weights(*[1.0] * 16)
    counts = Counter(draw_for_revision(constitution, 1, "prompt", n).id for n in range(4000))
    assert len(counts) == 16
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_draws_follow_weights_and_a_weight_of_zero_is_never_drawn() -> None:
    constitution = of_weights(1, 3, 0)
    counts = Counter(draw_for_comparison(constitution, 1, n).id for n in range(4000))
    assert set(counts) == {"p0", "p1"}
    assert binomtest(counts["p1"], 4000, 0.75).pvalue > 0.001


def test_four_rounds_repeat_a_principle_as_often_as_in_the_papers_samples() -> None:
    """With replacement, 1 - 16·15·14·13/16⁴ = 33.3 % of chains repeat one (the paper's: 25 of 66)."""
    constitution = of_weights(*[1.0] * 16)
    chains = [{draw_for_revision(constitution, 7, chain, n).id for n in range(4)} for chain in range(3000)]
    repeated = sum(len(chain) < 4 for chain in chains)
    assert binomtest(repeated, 3000, 1 - 16 * 15 * 14 * 13 / 16**4).pvalue > 0.001


def test_a_draw_depends_on_its_seed_and_names_alone() -> None:
    constitution = of_weights(*[1.0] * 16)
    drawn = [draw_for_revision(constitution, 3, "x", n) for n in range(30)]
    assert drawn == [draw_for_revision(constitution, 3, "x", n) for n in range(30)]
    assert drawn != [draw_for_revision(constitution, 4, "x", n) for n in range(30)]
    assert drawn != [draw_for_comparison(constitution, 3, "x", n) for n in range(30)]


def test_many_are_distinct_and_in_order_and_as_many_as_there_are_at_most() -> None:
    constitution = of_weights(1, 2, 3, 0, 4)
    for k in (1, 2, 3):
        for n in range(50):
            drawn = [row.id for row in draw_many_for_comparison(constitution, k, 5, n)]
            assert len(set(drawn)) == k
            assert drawn == sorted(drawn)
    assert [row.id for row in draw_many_for_comparison(constitution, 9, 5)] == ["p0", "p1", "p2", "p4"]


def test_one_of_many_is_the_one_that_is_drawn_alone() -> None:
    constitution = of_weights(1, 2, 3)
    for n in range(50):
        assert draw_many_for_comparison(constitution, 1, 5, n) == (draw_for_comparison(constitution, 5, n),)


def test_the_first_of_many_follows_weights() -> None:
    constitution = of_weights(1, 1, 2)
    counts = Counter(frozenset(row.id for row in draw_many_for_comparison(constitution, 2, 5, n)) for n in range(3000))
    without_last = counts[frozenset({"p0", "p1"})]
    assert binomtest(without_last, 3000, 2 * (1 / 4) * (1 / 3)).pvalue > 0.001


def test_a_constitution_that_cannot_serve_is_refused() -> None:
    with pytest.raises(ConstitutionError, match="no principle to revise by"):
        draw_for_revision(of_weights(1, critique=""), 0)
    with pytest.raises(ConstitutionError, match="no principle to compare by"):
        draw_many_for_comparison(of_weights(1, comparison=""), 2, 0)
