"""What a judge is shown: worked judgements first, then the question (CAI §4.1).

The question itself stands in ``charter.judge_form``.
"""

from __future__ import annotations

from charter.constitution import draw_for_comparison
from charter.digests import digest_of
from charter.errors import ConstitutionError
from charter.feedback.judge import Question
from charter.judge_form import JUDGE_CHOICES, JUDGE_PREFILL, comparison_question
from charter.transcript import conversation_from
from charter.types import ComparisonExample, Constitution, Conversation, Message


def worked_judgements(constitution: Constitution, count: int, seed: int) -> tuple[Message, ...]:
    """The constitution's first ``count`` comparison examples, asked and answered.

    Each gets a question drawn on its own, as in the paper; drawn once for the judge, so that all its questions share
    these turns. Raises ``ConstitutionError`` if the constitution has fewer examples.
    """
    available = len(constitution.comparison_examples)
    if count > available:
        raise ConstitutionError(
            f"feedback.few_shot asks for {count} worked examples; constitution {constitution.name!r} has {available}",
            f"Lower feedback.few_shot to {available}, or add examples to the constitution under comparison_examples.",
        )
    turns: list[Message] = []
    for index, example in enumerate(constitution.comparison_examples[:count]):
        principle = draw_for_comparison(constitution, seed, "worked judgement", index)
        turns += _asked_and_answered(example, principle.comparison)
    return tuple(turns)


def judge_messages(question: Question, examples: tuple[Message, ...]) -> tuple[Message, ...]:
    """What is answered, after ``JUDGE_PREFILL``, with one of ``JUDGE_CHOICES``."""
    shown = question.shown
    asked = comparison_question(shown.prompt.conversation, question.principle.comparison, shown.a.text, shown.b.text)
    return (*examples, Message("user", asked))


def template_digest(examples: tuple[Message, ...]) -> str:
    """The identity of everything that is shown beside the comparison and the principle."""
    form = comparison_question(Conversation.of("{prompt}"), "{question}", "{a}", "{b}")
    return digest_of([examples, form, JUDGE_PREFILL, JUDGE_CHOICES])


def _asked_and_answered(example: ComparisonExample, question: str) -> tuple[Message, Message]:
    asked = comparison_question(conversation_from(example.conversation), question, example.a, example.b)
    letter = JUDGE_CHOICES[0 if example.better == "a" else 1]
    return Message("user", asked), Message("assistant", JUDGE_PREFILL + letter)
