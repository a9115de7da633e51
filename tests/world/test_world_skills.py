"""The skills are measured by code that a perfect model passes and a useless one fails."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from charter.judge_form import JUDGE_CHOICES, JUDGE_PREFILL, JUDGE_REASONING
from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.fake import FakeModel
from charter.world.critic import badness, write_critique
from charter.world.grammar import answer_text
from charter.world.skills import CONDITIONS, Case, draw_cases, measure_skills, revision_succeeds
from charter.world.writer import revise

CASES = 12


def oracle(swap_letters: bool = False) -> FakeModel:
    """Answers every case as the truth would, recognised by the texts in it."""
    cases = [case for condition in CONDITIONS for case in draw_cases(condition, CASES, seed=0)]
    by_answer = {(case.request.text, answer_text(case.a), case.wording.critique): case for case in cases}

    def reply(request: GenerateRequest) -> str:
        if request.prefill == JUDGE_REASONING:
            return f" Because. {JUDGE_PREFILL} (A)"
        case = by_answer[tuple(message.content for message in request.messages[:3])]  # type: ignore[index]
        if len(request.messages) == 3:
            return write_critique(case.request, case.a, case.wording.scope, Random(0))
        return answer_text(revise(case.request, case.a, case.wording.scope, Random(1)))

    def odds(request: ChoiceRequest) -> list[float]:
        text = request.messages[0].content
        case = next(
            c
            for c in cases
            if c.request.text in text
            and c.wording.comparison in text
            and answer_text(c.a) in text
            and answer_text(c.b) in text
        )
        better = min((case.a, case.b), key=lambda side: badness(case.request, side, case.wording.scope))
        first = f"\n(A) {answer_text(better)}\n" in text
        assert request.choices == JUDGE_CHOICES
        return [0.9, 0.1] if first != swap_letters else [0.1, 0.9]

    return FakeModel(reply, odds)


def test_a_perfect_model_scores_full_marks_in_every_condition() -> None:
    for skills in measure_skills(oracle(), CASES, seed=0).values():
        assert replace(skills, cases=0).__eq__(replace(skills, cases=0))
        assert (skills.critiques, skills.revisions, skills.judged, skills.judged_one_order, skills.reasoned) == (1,) * 5


def test_a_judge_that_errs_always_scores_nothing() -> None:
    for skills in measure_skills(oracle(swap_letters=True), CASES, seed=0).values():
        assert (skills.judged, skills.judged_one_order, skills.reasoned) == (0, 0, 0)


def test_a_revision_that_touches_the_rest_or_leaves_the_fault_does_not_succeed() -> None:
    case = next(
        c for c in draw_cases("new_text", 200, seed=1) if len(c.a) > 2 and badness(c.request, c.a, c.wording.scope)
    )
    critique = write_critique(case.request, case.a, case.wording.scope, Random(0))
    right = revise(case.request, case.a, case.wording.scope, Random(3))
    assert revision_succeeds(case, critique, answer_text(right))
    assert not revision_succeeds(case, critique, answer_text(case.a))
    assert not revision_succeeds(case, critique, "I cannot talk about that.")
    assert not revision_succeeds(case, "Splendid.", answer_text(right))
    assert isinstance(case, Case)
