"""The ``logprob`` judge: its verdict is the probability that it puts on each letter, unreasoned (CAI §4.1).

The probabilities are kept as they are, not normalised: what fell on neither letter says whether the judge answered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from charter.constitution import principle_digest
from charter.feedback.judge import Question
from charter.feedback.templates import judge_messages, template_digest, worked_judgements
from charter.judge_form import JUDGE_CHOICES, JUDGE_PREFILL
from charter.models.base import ChoiceLogprobs, ChoiceRequest, Model
from charter.types import Constitution, Judgement, Message, Verdict

TOO_LONG = "the question is longer than the judge's context of {} tokens"
NOT_A_NUMBER = "the judge gave a log-probability that is not a number"


@dataclass(frozen=True, slots=True)
class LogprobJudge:
    """A model asked for the letter at once, after ``examples`` (worked judgements, as turns)."""

    model: Model
    examples: tuple[Message, ...] = ()

    @classmethod
    def of(cls, model: Model, constitution: Constitution, few_shot: int, seed: int) -> LogprobJudge:
        """A judge that sees the constitution's first ``few_shot`` worked judgements."""
        return cls(model, worked_judgements(constitution, few_shot, seed))

    def judge(self, questions: Sequence[Question]) -> list[Judgement]:
        """All questions that fit the model's context go to it in one batch."""
        requests = [self._request(question) for question in questions]
        asked = [request for request in requests if request is not None]
        answers = iter(self.model.choice_logprobs(asked) if asked else [])
        template = template_digest(self.examples)
        return [
            self._judgement(question, None if request is None else next(answers), template)
            for question, request in zip(questions, requests, strict=True)
        ]

    def _request(self, question: Question) -> ChoiceRequest | None:
        """The request, or None where the question with a letter chosen would exceed the model's context."""
        messages = judge_messages(question, self.examples)
        answered = (*messages, Message("assistant", JUDGE_PREFILL + JUDGE_CHOICES[0]))
        if self.model.count_tokens(answered) > self.model.context_tokens:
            return None
        return ChoiceRequest(messages, JUDGE_CHOICES, JUDGE_PREFILL)

    def _judgement(self, question: Question, answer: ChoiceLogprobs | None, template: str) -> Judgement:
        shown, failure = self._read(answer)
        own = shown.swap() if shown is not None and question.order == "ba" else shown
        return Judgement(
            principle_id=question.principle.id,
            principle_digest=principle_digest(question.principle),
            order=question.order,
            verdict=own,
            failure=failure,
            reasoning="",
            judge=self.model.digest,
            template=template,
            prompt_tokens=0 if answer is None else answer.prompt_tokens,
        )

    def _read(self, answer: ChoiceLogprobs | None) -> tuple[Verdict | None, str]:
        """The verdict for the sides as shown, or why there is none. A probability of nothing (-inf) is a number."""
        if answer is None:
            return None, TOO_LONG.format(self.model.context_tokens)
        if any(math.isnan(value) or value == math.inf for value in answer.logprobs):
            return None, NOT_A_NUMBER
        first, second = (math.exp(min(value, 0.0)) for value in answer.logprobs)  # rounding can lift certainty above 0
        return Verdict(first, second), ""
