"""The reference model's training text: five kinds of document, each in exactly the form in which the method asks.

* copies: words in no order, said again, which is how copying is learnt; a revision copies what it keeps;
* answers: requests answered with no thought of harm, the one skill that a helpful-only model is known for;
* revisions: an answer of any sort, a critique by a principle, the revision (the turns of ``revision_form``);
* choices: two answers and a comparison question, a letter at once (the form of ``judge_form``);
* reasoned choices: the same, with a critique of each answer before the letter.

Critiques, revisions and choices never touch the held-out domain; nothing touches held-out topics or phrasings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from charter.judge_form import JUDGE_CHOICES, JUDGE_PREFILL, JUDGE_REASONING, comparison_question
from charter.revision_form import revision_messages
from charter.types import Conversation, Message
from charter.world.critic import badness, write_critique
from charter.world.grammar import Request, Sentence, answer_text
from charter.world.kinds import Fault
from charter.world.phrases import Wording, draw_scope, word_principle
from charter.world.requests import draw_request, invented_word, trained_words
from charter.world.writer import HELPFUL_ONLY, VARIED, revise, write_answer

DocumentKind = Literal["copy", "answer", "revision", "choice", "reasoned"]
Mix = Mapping[DocumentKind, float]
FIRST_MIX: Mix = {"copy": 0.45, "answer": 0.25, "revision": 0.3}
MIX: Mix = {"copy": 0.05, "answer": 0.26, "revision": 0.25, "choice": 0.32, "reasoned": 0.12}
TIES = 0.06  # share of choices that have no answer; more of them and the letter is never learnt
HELD_OUT = 0.15  # share of answers in the held-out domain, beside those by chance: no other document has its words
INVENTED = 0.2  # share of recombined topics, and of words to copy, that don't exist
RECOMBINED = 0.85  # share of requests whose topic is made of two halves
FAULTY = 0.55  # least share of critiques that have a fault to name

Answer = tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Turns, and which of them are learnt in full. ``letter`` marks a document that ends on a choice."""

    kind: DocumentKind
    messages: tuple[Message, ...]
    learnt: tuple[int, ...]
    letter: bool = False


def draw_document(rng: Random, mix: Mix = MIX, invent: float = INVENTED) -> Document:
    """One document of training; ``invent`` is the share of words that are made up, where they may be."""
    kind = rng.choices(tuple(mix), tuple(mix.values()))[0]
    if kind == "copy":
        return copy_document(rng, invent)
    if kind == "answer":
        request = draw_request(rng, recombine=RECOMBINED, skip_held_out_domain=False, invent=invent, held_out=HELD_OUT)
        text = answer_text(write_answer(request, HELPFUL_ONLY, rng))
        return Document(kind, Conversation.of(request.text).answered(text), (1,))
    names = draw_scope(rng)
    wording = word_principle(names, rng)
    if kind == "revision":
        request, answer = draw_case(wording.scope, rng, invent)
        return revision_document(request, answer, wording, rng)
    request, a, b = draw_pair(wording.scope, rng, invent)
    return choice_document(request, (a, b), wording, rng, reasoned=kind == "reasoned")


def copy_document(rng: Random, invent: float) -> Document:
    """Words in no order, said again: what can't be guessed has to be copied, as a revision copies what it keeps."""
    words = " ".join(_word(rng, invent) for _ in range(rng.randint(4, 24)))
    return Document("copy", Conversation.of(f"Say again: {words}.").answered(f"{words}."), (1,))


def _word(rng: Random, invent: float) -> str:
    return invented_word(rng) if rng.random() < invent else rng.choice(trained_words())


def revision_document(request: Request, answer: Answer, wording: Wording, rng: Random) -> Document:
    """An answer, its critique and its revision; critique and revision are learnt."""
    critique = write_critique(request, answer, wording.scope, rng)
    revised = answer_text(revise(request, answer, wording.scope, rng))
    asked = revision_messages(
        Conversation.of(request.text), answer_text(answer), wording.critique, critique, wording.revision
    )
    return Document("revision", (*asked, Message("assistant", revised)), (3, 5))


def choice_document(
    request: Request, pair: tuple[Answer, Answer], wording: Wording, rng: Random, *, reasoned: bool
) -> Document:
    """Two answers and the better one's letter, after a critique of each if ``reasoned``. A tie's letter is random."""
    a, b = pair
    gap = badness(request, b, wording.scope) - badness(request, a, wording.scope)
    letter = JUDGE_CHOICES[0 if gap > 0 else 1 if gap < 0 else rng.randrange(2)]
    question = comparison_question(Conversation.of(request.text), wording.comparison, answer_text(a), answer_text(b))
    said = f"{JUDGE_PREFILL}{letter}"
    if reasoned:
        thoughts = [
            write_critique(request, side, wording.scope, rng, subject=name)
            for side, name in ((a, "Response A"), (b, "Response B"))
        ]
        said = " ".join([JUDGE_REASONING, *thoughts, said])
    turns = (Message("user", question), Message("assistant", said))
    return Document("reasoned" if reasoned else "choice", turns, (1,), letter=True)


def draw_case(scope: frozenset[Fault], rng: Random, invent: float = 0.0) -> tuple[Request, Answer]:
    """A request and an answer to it; more often than chance would have it, one with a fault within the scope."""
    wants_fault = rng.random() < FAULTY
    while True:
        request = draw_request(rng, recombine=RECOMBINED, skip_held_out_domain=True, invent=invent)
        answer = draw_answer(request, rng)
        if not wants_fault or badness(request, answer, scope):
            return request, answer


def draw_pair(scope: frozenset[Fault], rng: Random, invent: float = 0.0) -> tuple[Request, Answer, Answer]:
    """A request and two answers that differ under the scope, but for a share of ties."""
    may_tie = rng.random() < TIES
    while True:
        request = draw_request(rng, recombine=RECOMBINED, skip_held_out_domain=True, invent=invent)
        a, b = draw_answer(request, rng), draw_answer(request, rng)
        if a != b and (may_tie or badness(request, a, scope) != badness(request, b, scope)):
            return request, a, b


def draw_answer(request: Request, rng: Random) -> Answer:
    """An answer of any sort; three in ten are as the helpful-only model gives them."""
    return write_answer(request, HELPFUL_ONLY if rng.random() < 0.3 else VARIED, rng)
