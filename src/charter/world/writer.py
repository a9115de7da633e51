"""Writes answers of the small world: careless ones, as the helpful-only model gives them, and their revisions.

``Rates`` says how often each fault is chosen; the reference model learns to answer at these rates, which makes them the
world's own "before".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from charter.world.grammar import FORMS, Request, Sentence, SentenceRole, closed_slots, slot_names
from charter.world.kinds import Fault
from charter.world.lexicon import domains
from charter.world.reader import BAD_CORE, GOOD_CORE, core_of, faults_of


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances of each fault in a written answer."""

    bad_core: float
    evade: float
    over_refuse: float
    affirm: float
    no_caveat: float
    insult: float
    flatter: float
    stereotype: float
    lecture: float


HELPFUL_ONLY = Rates(
    bad_core=0.8,
    evade=0.015,
    over_refuse=0.005,
    affirm=0.7,
    no_caveat=0.3,
    insult=0.12,
    flatter=0.14,
    stereotype=0.1,
    lecture=0.12,
)
"""Answers with no thought of harm: what the reference model is trained to give."""

VARIED = Rates(
    bad_core=0.5,
    evade=0.12,
    over_refuse=0.06,
    affirm=0.5,
    no_caveat=0.4,
    insult=0.22,
    flatter=0.2,
    stereotype=0.2,
    lecture=0.2,
)
"""Answers of all sorts: what critiques and comparisons are practised on."""

_REMOVED: dict[Fault, frozenset[SentenceRole]] = {
    "insults": frozenset({"insult"}),
    "flatters": frozenset({"flattery"}),
    "stereotypes": frozenset({"stereotype"}),
    "lectures": frozenset({"lecture"}),
}


def write_answer(request: Request, rates: Rates, rng: Random) -> tuple[Sentence, ...]:
    """One answer to a request."""
    sentences: list[Sentence] = []
    roll = rng.random()
    if roll < rates.insult:
        sentences.append(_sentence("insult", request, rng))
    elif roll < rates.insult + rates.flatter:
        sentences.append(_sentence("flattery", request, rng))
    elif rng.random() < 0.25:
        sentences.append(_sentence("greeting", request, rng))
    if rng.random() < rates.stereotype:
        sentences.append(_sentence("stereotype", request, rng))
    sentences.extend(_core(request, rates, rng))
    if rng.random() < rates.lecture:
        sentences.append(_sentence("lecture", request, rng))
    elif rng.random() < 0.35:
        sentences.append(_sentence("offer", request, rng))
    return tuple(sentences)


def revise(
    request: Request, sentences: tuple[Sentence, ...], scope: frozenset[Fault], rng: Random
) -> tuple[Sentence, ...]:
    """The answer with its faults within ``scope`` mended and everything else kept to the letter."""
    faults = scope & set(faults_of(request, sentences))
    removed = frozenset[SentenceRole]().union(*(_REMOVED.get(fault, frozenset()) for fault in faults))
    kept = [s for s in sentences if s.role not in removed]
    core = core_of(sentences)
    start = next(i for i, s in enumerate(kept) if s.role in ("affirm", "correct") or s is core)
    end = kept.index(core) + 1
    while end < len(kept) and kept[end].role in ("caveat", "alternative", "evidence", "ask_them", "values"):
        end += 1
    bad = BAD_CORE.get(request.kind)
    if "evades" in faults or (bad is not None and bad[1] in faults):
        return (*kept[:start], *good_core(request, rng), *kept[end:])
    middle = kept[start:end]
    if "affirms_falsehood" in faults:
        middle = [_sentence("correct", request, rng), *(s for s in middle if s.role != "affirm")]
    if "omits_risk" in faults:
        middle = [*middle, _sentence("caveat", request, rng)]
    return (*kept[:start], *middle, *kept[end:])


def good_core(request: Request, rng: Random) -> tuple[Sentence, ...]:
    """The core that the request deserves, whole."""
    rows: dict[SentenceRole, tuple[SentenceRole, ...]] = {
        "howto": ("howto", "caveat"),
        "decline": ("decline", "alternative"),
        "keep_private": ("keep_private", "ask_them"),
        "uncertain": ("uncertain", "evidence"),
        "both_sides": ("both_sides", "values"),
    }
    roles = rows[GOOD_CORE[request.kind]]
    if request.kind == "false_premise":
        roles = ("correct", *roles)
    return tuple(_sentence(role, request, rng) for role in roles)


def _core(request: Request, rates: Rates, rng: Random) -> list[Sentence]:
    roll = rng.random()
    if roll < rates.evade:
        return [_sentence("evade", request, rng)]
    bad = BAD_CORE.get(request.kind)
    if bad is not None:
        if rng.random() >= rates.bad_core:
            return list(good_core(request, rng))
        core = [_sentence(bad[0], request, rng)]
        return [*core, _sentence("caveat", request, rng)] if bad[0] == "howto" and rng.random() < 0.3 else core
    if request.kind != "false_premise" and roll < rates.evade + rates.over_refuse:
        return [_sentence("decline", request, rng), _sentence("alternative", request, rng)]
    core = [_sentence("howto", request, rng)]
    if request.kind == "false_premise":
        core.insert(0, _sentence("affirm" if rng.random() < rates.affirm else "correct", request, rng))
    return core if rng.random() < rates.no_caveat else [*core, _sentence("caveat", request, rng)]


def _sentence(role: SentenceRole, request: Request, rng: Random) -> Sentence:
    form = rng.randrange(len(FORMS[role]))
    names = slot_names(role, form)
    closed = closed_slots(domains()[request.topic.domain])
    sides = [request.topic.first, request.topic.second]
    if role == "push":
        rng.shuffle(sides)
    open_slots = {
        "topic": request.wanted.text if request.kind == "false_premise" else request.topic.text,
        "premise": request.topic.text,
        "first": sides[0],
        "second": sides[1],
        "winner": sides[0],
        "loser": sides[1],
    }
    slots = (rng.choice(_first_or_later(name, closed.get(name, (open_slots.get(name, ""),)))) for name in names)
    return Sentence(role, form, tuple(slots))


def _first_or_later(name: str, options: Sequence[str]) -> Sequence[str]:
    """Of two slots that must differ, the first takes from the first half of the list, the other from the second.

    A step list is in the order of the work, and a model that samples the two need not compare them.
    """
    half = len(options) // 2
    return options[:half] if name in ("step", "value") else options[half:] if name in ("step2", "value2") else options
