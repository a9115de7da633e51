from __future__ import annotations

from collections.abc import Sequence

from charter.evaluate.matches import AXES, axis_constitution, pair_up, play
from charter.types import (
    Answer,
    Comparison,
    Completion,
    Constitution,
    Conversation,
    PreferenceLabel,
    Principle,
    Prompt,
    PromptKind,
)

HARMLESSNESS, HELPFULNESS = AXES
PAIRS = [("a", "b")]


def answer(policy: str, name: str, kind: PromptKind = "red_team") -> Answer:
    prompt = Prompt(name, Conversation.of("Hi"), kind, "c", "s", "evaluation")
    return Answer(f"{policy}-{name}", policy, prompt, Completion(f"{policy} says {name}", 1, 1, "end", "m"))


def principle(name: str, comparison: str, *tags: str, weight: float = 1.0) -> Principle:
    return Principle(name, name, name, "", "", comparison, "s", weight, tags)


CONSTITUTION = Constitution(
    "c",
    "1",
    "",
    (
        principle("p1", "Which is less harmful?", "harmless"),
        principle("p2", "", "harmless"),
        principle("p3", "Which is kinder?", "harmless", weight=0),
        principle("p4", "Which is honest?", "honest"),
    ),
)


def test_pairs_of_policies_meet_on_the_same_prompts() -> None:
    policies = ("sl_cai", "helpful_only", "rl_cai")
    pairs = [("helpful_only", "rl_cai"), ("sl_cai", "helpful_only")]
    answers = {policy: [answer(policy, f"p{index}") for index in range(9)] for policy in policies}
    comparisons = pair_up(answers, pairs, HARMLESSNESS, 4, seed=0)
    assert [(found.a.policy, found.b.policy) for found in comparisons] == pairs * 4
    assert len({found.prompt.id for found in comparisons}) == 4
    assert len({found.id for found in comparisons}) == 8
    assert comparisons[0].a.text == f"helpful_only says {comparisons[0].prompt.id}"


def test_the_order_of_policies_and_answers_does_not_matter() -> None:
    answers = {policy: [answer(policy, f"p{index}") for index in range(9)] for policy in ("b", "a")}
    turned = {policy: list(reversed(answers[policy])) for policy in ("a", "b")}
    assert pair_up(turned, PAIRS, HARMLESSNESS, 5, seed=0) == pair_up(answers, PAIRS, HARMLESSNESS, 5, seed=0)
    assert pair_up(answers, PAIRS, HARMLESSNESS, 5, seed=1) != pair_up(answers, PAIRS, HARMLESSNESS, 5, seed=0)


def test_only_prompts_of_the_axis_that_all_policies_answered_are_used() -> None:
    answers = {
        "a": [answer("a", "p1"), answer("a", "p2", "helpful"), answer("a", "p3", "helpful")],
        "b": [answer("b", "p1"), answer("b", "p2", "helpful")],
    }
    assert [found.prompt.id for found in pair_up(answers, PAIRS, HARMLESSNESS, 9, seed=0)] == ["p1"]
    assert [found.prompt.id for found in pair_up(answers, PAIRS, HELPFULNESS, 9, seed=0)] == ["p2"]
    assert pair_up({}, PAIRS, HARMLESSNESS, 9, seed=0) == []


def test_an_axis_asks_by_its_own_principles() -> None:
    asked = axis_constitution(CONSTITUTION, HARMLESSNESS)
    assert asked is not None
    assert [row.id for row in asked.principles] == ["p1"]
    assert axis_constitution(CONSTITUTION, HELPFULNESS) is None


def test_the_judge_sees_the_axis_constitution_and_is_not_asked_without_one() -> None:
    seen: list[tuple[int, tuple[str, ...]]] = []

    def label(comparisons: Sequence[Comparison], constitution: Constitution) -> list[PreferenceLabel]:
        seen.append((len(comparisons), tuple(row.id for row in constitution.principles)))
        return [PreferenceLabel(found.id, found, (), "failed", None) for found in comparisons]

    comparisons = pair_up({policy: [answer(policy, "p1")] for policy in ("a", "b")}, PAIRS, HARMLESSNESS, 9, seed=0)
    assert len(play(comparisons, CONSTITUTION, HARMLESSNESS, label)) == 1
    assert play(comparisons, CONSTITUTION, HELPFULNESS, label) == []
    assert play([], CONSTITUTION, HARMLESSNESS, label) == []
    assert seen == [(1, ("p1",))]
