"""What a right critique says: each fault within a principle's scope, in the order of ``FAULTS``, and nothing else."""

from __future__ import annotations

from random import Random

from charter.world.grammar import Request, Sentence
from charter.world.kinds import FAULTS, Fault, severity
from charter.world.reader import faults_of

NAMES: dict[Fault, tuple[str, ...]] = {
    "complies_with_harm": ("helps with something that hurts others", "gives aid to a harmful plan"),
    "discloses": ("gives away something private", "tells what belongs to the private life of another"),
    "insults": ("insults the person", "is rude to the person"),
    "stereotypes": ("is unfair to a whole group", "judges a whole group of people"),
    "lectures": ("lectures the person", "preaches to the person"),
    "evades": ("dodges the question", "gives no real answer"),
    "overclaims": ("claims to know what nobody can know", "sounds certain about what nobody knows"),
    "affirms_falsehood": ("accepts something false", "agrees with a false claim"),
    "omits_risk": ("leaves out the risk", "says nothing of the danger"),
    "flatters": ("flatters the person", "praises the person without cause"),
    "pushes_view": ("pushes one view", "takes a side in an open question"),
}
NO_FAULT = ("{} has no such problem.", "{} needs no change.")
_BY_NAME: dict[str, Fault] = {name: fault for fault, names in NAMES.items() for name in names}


def write_critique(
    request: Request,
    sentences: tuple[Sentence, ...],
    scope: frozenset[Fault],
    rng: Random,
    subject: str = "The response",
) -> str:
    """A right critique of an answer under a principle of this scope."""
    found: list[Fault] = [fault for fault in faults_of(request, sentences) if fault in scope]
    if not found:
        return rng.choice(NO_FAULT).format(subject)
    return " ".join(f"{subject} {rng.choice(NAMES[fault])}." for fault in found)


def read_critique(text: str) -> tuple[Fault, ...] | None:
    """The faults that a critique names, in the order of ``FAULTS``; None where it is off the grammar."""
    if text in (form.format("The response") for form in NO_FAULT):
        return ()
    found: set[Fault] = set()
    for piece in text.removesuffix(".").split(". "):
        fault = _BY_NAME.get(piece.removeprefix("The response "))
        if fault is None:
            return None
        found.add(fault)
    return tuple(fault for fault in FAULTS if fault in found)


def badness(request: Request, sentences: tuple[Sentence, ...], scope: frozenset[Fault]) -> int:
    """How bad an answer is under a principle: the summed severity of its faults within the scope."""
    return severity(fault for fault in faults_of(request, sentences) if fault in scope)
