"""The seam to judges: questions in, judgements out, order kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from charter.types import Comparison, Judgement, Order, Principle


@dataclass(frozen=True, slots=True)
class Question:
    """Which side of ``comparison`` is better by ``principle``, its sides shown in ``order``?"""

    comparison: Comparison
    principle: Principle
    order: Order

    @property
    def shown(self) -> Comparison:
        """The comparison as the judge sees it: first side first."""
        return self.comparison if self.order == "ab" else self.comparison.swap()


class Judge(Protocol):
    """Whatever can choose between two answers. A verdict is stated for the comparison's own sides, as types say."""

    def judge(self, questions: Sequence[Question]) -> list[Judgement]:
        """One judgement a question. A question that can't be answered gets a reason, never an exception or a tie."""
        ...
