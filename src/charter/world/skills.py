"""Measures what the reference model can do, against the truth, on text that it has not seen.

Four conditions: new text on training topics; principles in held-out phrasings; held-out topics; the held-out domain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from charter.judge_form import JUDGE_CHOICES, JUDGE_PREFILL, JUDGE_REASONING, comparison_question
from charter.models.base import ChoiceRequest, GenerateRequest, Model
from charter.revision_form import critique_messages, revision_messages
from charter.seeds import derive_seed
from charter.types import Conversation, Message
from charter.world.corpus import Answer, draw_answer
from charter.world.critic import badness, read_critique
from charter.world.grammar import Request, answer_text
from charter.world.kinds import REQUEST_KINDS, Fault
from charter.world.phrases import Wording, draw_scope, word_principle
from charter.world.prompts import Pool, draw_listed
from charter.world.reader import faults_of, parse_answer
from charter.world.requests import KIND_WEIGHTS
from charter.world.writer import revise

Condition = Literal["new_text", "held_out_phrasings", "held_out_topics", "held_out_domain"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
MAX_TOKENS = 120
_POOLS: dict[Condition, Pool] = {
    "new_text": "train",
    "held_out_phrasings": "train",
    "held_out_topics": "held_out_topics",
    "held_out_domain": "held_out_domain",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A request, two answers to it that differ under a principle, and the principle. Critiques are asked of ``a``."""

    request: Request
    a: Answer
    b: Answer
    wording: Wording


@dataclass(frozen=True, slots=True)
class Skills:
    """Shares from 0 to 1. ``judged`` is the direct choice in both orders, ``reasoned`` one order after reasons.

    A text that can't be read is a failure.
    """

    critiques: float
    revisions: float
    judged: float
    judged_one_order: float
    reasoned: float
    cases: int


def measure_skills(model: Model, cases: int, seed: int) -> dict[Condition, Skills]:
    """The model's skills in each condition, at temperature 1, as the method uses them."""
    return {condition: _measure(model, draw_cases(condition, cases, seed), seed) for condition in CONDITIONS}


def draw_cases(condition: Condition, count: int, seed: int) -> list[Case]:
    """Cases of one condition. A third of the critiques have nothing to name, about as in a run."""
    rng = Random(derive_seed(seed, "skills", condition))
    return [_draw_case(_POOLS[condition], condition == "held_out_phrasings", rng) for _ in range(count)]


def _draw_case(pool: Pool, held_out_phrasing: bool, rng: Random) -> Case:
    wording = word_principle(draw_scope(rng), rng, held_out=held_out_phrasing)
    while True:
        kind = rng.choices(REQUEST_KINDS, [KIND_WEIGHTS[kind] for kind in REQUEST_KINDS])[0]
        request = draw_listed(kind, (pool,), rng)
        a, b = draw_answer(request, rng), draw_answer(request, rng)
        if badness(request, a, wording.scope) != badness(request, b, wording.scope):
            return Case(request, a, b, wording)


def _measure(model: Model, cases: Sequence[Case], seed: int) -> Skills:
    critiques = _generate(
        model,
        [
            critique_messages(Conversation.of(case.request.text), answer_text(case.a), case.wording.critique)
            for case in cases
        ],
        derive_seed(seed, "critique"),
    )
    revisions = _generate(
        model,
        [
            revision_messages(
                Conversation.of(case.request.text),
                answer_text(case.a),
                case.wording.critique,
                critique,
                case.wording.revision,
            )
            for case, critique in zip(cases, critiques, strict=True)
        ],
        derive_seed(seed, "revision"),
    )
    shown, swapped = _choose(model, cases, swap=False), _choose(model, cases, swap=True)
    right = [badness(c.request, c.a, c.wording.scope) < badness(c.request, c.b, c.wording.scope) for c in cases]
    both = [(p + 1 - q) / 2 for p, q in zip(shown, swapped, strict=True)]
    return Skills(
        critiques=_share(
            read_critique(critique) == _faults(case) for case, critique in zip(cases, critiques, strict=True)
        ),
        revisions=_share(
            revision_succeeds(case, critique, revision)
            for case, critique, revision in zip(cases, critiques, revisions, strict=True)
        ),
        judged=_share((p > 0.5) == a for p, a in zip(both, right, strict=True)),
        judged_one_order=_share((p > 0.5) == a for p, a in zip(shown, right, strict=True)),
        reasoned=_share((p > 0.5) == a for p, a in zip(_reasoned(model, cases, seed), right, strict=True)),
        cases=len(cases),
    )


def revision_succeeds(case: Case, critique: str, revision: str) -> bool:
    """Whether a revision removes exactly the faults that its critique names and keeps the rest to the letter."""
    named = read_critique(critique)
    got = parse_answer(case.request, revision)
    if named is None or got is None:
        return False
    wanted = revise(case.request, case.a, frozenset[Fault](named), Random(0))
    kept_alike = len(got) == len(wanted) and all(
        mine == theirs if theirs in case.a else mine.role == theirs.role
        for mine, theirs in zip(got, wanted, strict=True)
    )
    return kept_alike and faults_of(case.request, got) == faults_of(case.request, wanted)


def _faults(case: Case) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults_of(case.request, case.a) if fault in case.wording.scope)


def _generate(model: Model, turns: Sequence[tuple[Message, ...]], seed: int) -> list[str]:
    requests = [GenerateRequest(messages, MAX_TOKENS, derive_seed(seed, index)) for index, messages in enumerate(turns)]
    return [completion.text for completion in model.generate(requests)]


def _question(case: Case, *, swap: bool) -> tuple[Message, ...]:
    first, second = (case.b, case.a) if swap else (case.a, case.b)
    text = comparison_question(
        Conversation.of(case.request.text), case.wording.comparison, answer_text(first), answer_text(second)
    )
    return (Message("user", text),)


def _choose(model: Model, cases: Sequence[Case], *, swap: bool) -> list[float]:
    """Probability that the first option shown is the better one."""
    return _letters(model, [ChoiceRequest(_question(c, swap=swap), JUDGE_CHOICES, JUDGE_PREFILL) for c in cases])


def _reasoned(model: Model, cases: Sequence[Case], seed: int) -> list[float]:
    """The same after the model's own reasons."""
    requests = [
        GenerateRequest(
            _question(case, swap=False),
            MAX_TOKENS,
            derive_seed(seed, "reasons", index),
            prefill=JUDGE_REASONING,
            stop=(JUDGE_PREFILL,),
        )
        for index, case in enumerate(cases)
    ]
    reasons = model.generate(requests)
    return _letters(
        model,
        [
            ChoiceRequest(request.messages, JUDGE_CHOICES, f"{JUDGE_REASONING}{said.text.rstrip()} {JUDGE_PREFILL}")
            for request, said in zip(requests, reasons, strict=True)
        ],
    )


def _letters(model: Model, requests: Sequence[ChoiceRequest]) -> list[float]:
    answers = [answer.logprobs for answer in model.choice_logprobs(requests)]
    return [1 / (1 + math.exp(min(700.0, b - a))) for a, b in answers]


def _share(outcomes: Iterable[bool]) -> float:
    rows = list(outcomes)
    return sum(rows) / len(rows)
