from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from charter.feedback import Question, conclude, count_labels, label, label_rates
from charter.recipe import Feedback
from charter.types import (
    Candidate,
    Comparison,
    Constitution,
    Conversation,
    Judgement,
    Order,
    Principle,
    Prompt,
    Verdict,
)

PRINCIPLES = tuple(Principle(name, name, name, "", "", f"Which, by {name}?", "s") for name in "abcd")
CONSTITUTION = Constitution("c", "1", "", PRINCIPLES)
PROMPT = Prompt("p", Conversation.of("Hi"), "red_team", "c", "s", "train")
MASSES = st.floats(0, 1, allow_subnormal=False)
TEXTS = st.text(max_size=3)


def comparison(a: str, b: str, name: str = "c1") -> Comparison:
    return Comparison(name, PROMPT, Candidate(a, "sl_cai", "m"), Candidate(b, "sl_cai", "m"))


def judgement(a: float, b: float, order: Order = "ab", principle: str = "a") -> Judgement:
    return Judgement(principle, "d", order, Verdict(a, b), "", "", "judge", "template", 11)


def unreadable(order: Order = "ab") -> Judgement:
    return Judgement("a", "d", order, None, "too long", "", "judge", "template", 0)


@dataclass(frozen=True)
class ByPlaceAndLength:
    """Likes longer answers, and the first place by ``bias``: it sees what is shown, and nothing of names."""

    bias: float = 0.0

    def judge(self, questions: Sequence[Question]) -> list[Judgement]:
        return [self._judge(question) for question in questions]

    def _judge(self, question: Question) -> Judgement:
        shown = question.shown
        drawn_to = math.exp(self.bias) * (1 + len(shown.a.text)), 1 + len(shown.b.text)
        first = drawn_to[0] / (sum(drawn_to) + 0.3)
        verdict = Verdict(first, drawn_to[1] / (sum(drawn_to) + 0.3))
        own = verdict if question.order == "ab" else verdict.swap()
        return Judgement(question.principle.id, "d", question.order, own, "", "", "judge", "template", 11)


@settings(deadline=None)
@given(TEXTS, TEXTS, st.floats(-3, 3), st.integers(1, 3))
def test_in_both_orders_swapping_a_comparison_swaps_its_label(a: str, b: str, bias: float, k: int) -> None:
    assume(a != b)
    settings = Feedback(order="both", principles_per_comparison=k, min_usable_mass=0.1)
    judge = ByPlaceAndLength(bias)
    straight = label([comparison(a, b)], CONSTITUTION, judge, settings, seed=0)[0]
    swapped = label([comparison(a, b).swap()], CONSTITUTION, judge, settings, seed=0)[0]
    assert swapped == straight.swap()
    assert len(straight.judgements) == 2 * k
    assert straight.p_a is not None
    assert swapped.p_a is not None
    assert straight.p_a + swapped.p_a == 1


@settings(deadline=None)
@given(TEXTS, TEXTS, st.integers(0, 20))
def test_in_a_random_order_too_as_the_order_follows_the_sides(a: str, b: str, seed: int) -> None:
    assume(a != b)
    judge, settings = ByPlaceAndLength(1.0), Feedback(order="random", min_usable_mass=0.1)
    straight = label([comparison(a, b)], CONSTITUTION, judge, settings, seed)[0]
    assert label([comparison(a, b).swap()], CONSTITUTION, judge, settings, seed)[0] == straight.swap()


@settings(deadline=None)
@given(st.lists(st.tuples(MASSES, MASSES), min_size=1, max_size=5))
def test_weights_sum_to_one_exactly_and_swap_exactly(masses: list[tuple[float, float]]) -> None:
    judgements = tuple(judgement(a, b) for a, b in masses)
    assume(any(a + b > 0 for a, b in masses))
    found = conclude(comparison("x", "y"), judgements, min_usable_mass=0.0)
    swapped = conclude(comparison("y", "x"), tuple(one.swap() for one in judgements), min_usable_mass=0.0)
    assert found.weights is not None
    assert found.weights.a + found.weights.b == 1
    assert found.p_a is not None
    assert swapped.p_a is not None
    assert found.p_a + swapped.p_a == 1
    assert swapped.weights == found.weights.swap()


def test_two_equal_answers_tie_whatever_place_the_judge_prefers() -> None:
    found = label([comparison("x", "x")], CONSTITUTION, ByPlaceAndLength(2.0), Feedback(), seed=0)[0]
    assert (found.state, found.weights) == ("tied", Verdict(0.5, 0.5))


def test_the_orders_asked_are_those_of_the_recipe() -> None:
    comparisons = [comparison("x", "y", f"c{index}") for index in range(40)]

    def orders(order: str) -> list[tuple[str, ...]]:
        settings = Feedback.model_validate({"order": order})
        labels = label(comparisons, CONSTITUTION, ByPlaceAndLength(), settings, seed=0)
        return [tuple(one.order for one in found.judgements) for found in labels]

    assert set(orders("both")) == {("ab", "ba")}
    assert set(orders("fixed")) == {("ab",)}
    assert 10 <= orders("random").count(("ab",)) <= 30


def test_a_label_does_not_depend_on_the_batch_and_principles_vary_by_comparison() -> None:
    comparisons = [comparison("x", "yy", f"c{index}") for index in range(20)]
    together = label(comparisons, CONSTITUTION, ByPlaceAndLength(), Feedback(), seed=0)
    assert label(comparisons[7:8], CONSTITUTION, ByPlaceAndLength(), Feedback(), seed=0) == together[7:8]
    assert {found.judgements[0].principle_id for found in together} == {"a", "b", "c", "d"}
    assert all(len({one.principle_id for one in found.judgements}) == 1 for found in together)


@pytest.mark.parametrize(
    ("judgements", "state", "weights"),
    [
        ((unreadable(), unreadable("ba")), "failed", None),
        ((), "failed", None),
        ((judgement(0.3, 0.1), unreadable("ba")), "abstained", None),
        ((judgement(0.0, 0.0),), "abstained", None),
        ((judgement(0.4, 0.4),), "tied", Verdict(0.5, 0.5)),
        ((judgement(0.9, 0.1), judgement(0.1, 0.9, "ba")), "tied", Verdict(0.5, 0.5)),
        ((judgement(0.75, 0.25), unreadable("ba")), "labelled", Verdict(0.75, 0.25)),
        ((judgement(0.3, 0.3), judgement(0.2, 0.6, "ba")), "labelled", Verdict(0.375, 0.625)),
        ((judgement(0.0, 0.1), judgement(0.5, 0.1, "ba")), "labelled", Verdict(5 / 6, 1 / 6)),
    ],
)
def test_failed_abstained_tied_and_labelled_are_told_apart(
    judgements: tuple[Judgement, ...], state: str, weights: Verdict | None
) -> None:
    found = conclude(comparison("x", "y"), judgements, min_usable_mass=0.5)
    assert found.state == state
    if weights is None:
        assert found.weights is None
    else:
        assert found.weights is not None
        assert found.weights.a == pytest.approx(weights.a)
        assert found.weights.b == pytest.approx(weights.b)


def test_counts_tell_states_inconsistency_and_kept_places() -> None:
    one = comparison("x", "y")
    labels = [
        conclude(one, (judgement(0.9, 0.1), judgement(0.3, 0.7, "ba")), 0.5),  # prefers the first place both times
        conclude(one, (judgement(0.9, 0.1), judgement(0.7, 0.3, "ba")), 0.5),  # prefers the same side
        conclude(one, (judgement(0.9, 0.1), judgement(0.5, 0.5, "ba")), 0.5),  # once without a preference
        conclude(one, (judgement(0.9, 0.1), unreadable("ba")), 0.5),
        conclude(one, (unreadable(), unreadable("ba")), 0.5),
    ]
    counts = count_labels(labels)
    assert (counts["labels"], counts["labelled"], counts["failed"], counts["tied"]) == (5, 4, 1, 0)
    assert (counts["judgements"], counts["unreadable"], counts["prompt_tokens"]) == (10, 3, 77)
    assert (counts["swapped_pairs"], counts["place_kept"]) == (2, 1)
    rates = label_rates(counts)
    assert rates["position_share"] == 0.5
    assert rates["mean_inconsistency"] == pytest.approx((0.6 + 0.2 + 0.4) / 3)
    assert label_rates(count_labels([])) == {}
    parts = [count_labels(labels[:2]), count_labels(labels[2:])]
    assert counts == pytest.approx({name: sum(part[name] for part in parts) for name in counts})


def test_many_principles_are_counted_one_by_one() -> None:
    judgements = (
        judgement(0.9, 0.1, "ba", "a"),
        judgement(0.3, 0.7, "ab", "a"),
        judgement(0.9, 0.1, "ba", "b"),
        judgement(0.8, 0.2, "ab", "b"),
    )
    counts = count_labels([conclude(comparison("x", "y"), judgements, 0.5)])
    assert (counts["swapped_pairs"], counts["place_kept"]) == (2, 1)
