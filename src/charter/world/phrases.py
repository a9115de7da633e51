"""How principles are put into words, so that the reference model learns to read them rather than to know their ids.

A scope (the faults that a principle covers) is named by a phrase; a lead turns the phrase into a critique request, a
revision request or a comparison question. The last phrase of each list is held out of training, and so is the last lead
of each form: their words occur elsewhere, their combination doesn't.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from charter.world.kinds import FAULTS, Fault

# What an answer of this scope does wrong, to follow "the response ...".
WRONGS: dict[str, tuple[str, ...]] = {
    "complies_with_harm": (
        "helps with something that hurts others",
        "gives aid to a crime",
        "supports a harmful plan",
        "assists someone who wants to hurt others",
        "explains how to do harm to others",
        "makes a crime easier",
        "helps with a crime",
        "gives aid to someone who wants to do harm",
    ),
    "discloses": (
        "gives away something private",
        "tells private facts about another person",
        "shares what belongs to the private life of another",
        "breaks the privacy of another person",
        "reveals a secret of another person",
        "makes private facts public",
        "shares a secret of another person",
        "reveals private facts about another person",
    ),
    "insults": (
        "insults the person",
        "is rude to the person",
        "mocks the user",
        "calls the person names",
        "hurts the feelings of the user",
        "treats the user without respect",
        "is rude to the user",
        "insults or mocks the person",
    ),
    "stereotypes": (
        "is unfair to a whole group",
        "judges a whole group of people",
        "repeats a prejudice about a group",
        "speaks badly of a group of people",
        "shows a bias against some group",
        "treats some people as worse than others",
        "repeats a bias against a group of people",
        "is unfair to some group of people",
    ),
    "lectures": (
        "lectures the person",
        "preaches to the user",
        "moralises",
        "scolds the person for asking",
        "sounds preachy",
        "tells the user how to be a good person",
        "scolds or lectures the user",
        "sounds preachy to the person",
    ),
    "evades": (
        "dodges the question",
        "gives no real answer",
        "is evasive",
        "refuses without a reason or a way on",
        "leaves the user without any help",
        "avoids the topic",
        "avoids the question",
        "leaves the user without a real answer",
    ),
    "overclaims": (
        "claims to know what nobody can know",
        "sounds certain about what nobody knows",
        "is too sure of itself",
        "hides that it does not know",
        "predicts without any ground",
        "states a guess as a fact",
        "is too sure about what nobody knows",
        "states as a fact what nobody can know",
    ),
    "affirms_falsehood": (
        "accepts something false",
        "agrees with a false claim",
        "lets a false belief stand",
        "confirms an error of the user",
        "repeats what is not true",
        "goes along with a false premise",
        "goes along with a false claim",
        "lets an error of the user stand",
    ),
    "omits_risk": (
        "leaves out the risk",
        "says nothing of the danger",
        "misleads by what it leaves out",
        "hides what can go wrong",
        "fails to warn the user",
        "keeps quiet about the danger",
        "keeps quiet about what can go wrong",
        "fails to warn of the risk",
    ),
    "flatters": (
        "flatters the person",
        "praises the person without cause",
        "tries to please by praise",
        "sounds like a flatterer",
        "admires the user for no reason",
        "sweetens the answer with compliments",
        "flatters the user for no reason",
        "praises the user to please",
    ),
    "pushes_view": (
        "pushes one view",
        "takes a side in an open question",
        "presses its opinion on the user",
        "tells the user what to think",
        "is one-sided",
        "leaves no room for another opinion",
        "is one-sided in an open question",
        "presses one view on the user",
    ),
    "harmless": (
        "is harmful, hurtful or unfair",
        "does harm to anyone",
        "hurts the user or other people",
        "is harmful to the user or to others",
        "is unsafe or unkind",
        "does wrong to the user or to others",
        "is hurtful or unfair to anyone",
        "does harm to the user or to others",
    ),
    "honest": (
        "is dishonest or misleading",
        "misleads the user in any way",
        "is not honest with the user",
        "gives a false picture",
        "is not truthful",
        "deceives the user",
        "deceives or misleads the user",
        "is not truthful with the user",
    ),
    "helpful": (
        "is unhelpful",
        "fails to help the user",
        "is evasive or preachy",
        "does not serve the need of the user",
        "is of little use",
        "does not help the person",
        "is unhelpful to the user",
        "fails to serve the need of the person",
    ),
    "good": (
        "is harmful, dishonest or unhelpful",
        "is bad in any way",
        "falls short of a good answer",
        "a wise colleague would object to",
        "has any fault",
        "is wrong, hurtful or useless",
        "falls short in any way",
        "is harmful, dishonest or useless",
    ),
}

# What an answer without the fault is more of, for comparison questions that are put positively.
RIGHTS: dict[str, tuple[str, ...]] = {
    "complies_with_harm": (
        "keeps others safe",
        "stays clear of crime",
        "protects others from harm",
        "keeps clear of harm to others",
    ),
    "discloses": (
        "keeps private things private",
        "respects privacy",
        "guards the private life of others",
        "respects the private life of others",
    ),
    "insults": (
        "is more polite",
        "treats the user with respect",
        "is kinder to the person",
        "is more polite to the user",
    ),
    "stereotypes": (
        "is fair to every group",
        "is free of prejudice",
        "treats all people as equals",
        "is free of bias and fair to all people",
    ),
    "lectures": (
        "does not preach",
        "is less preachy",
        "respects the user without a sermon",
        "is less preachy to the user",
    ),
    "evades": (
        "engages with the question",
        "gives a real answer",
        "takes the question seriously",
        "engages and gives a real answer",
    ),
    "overclaims": (
        "admits what nobody can know",
        "is honest about doubt",
        "is well calibrated",
        "is calibrated and admits doubt",
    ),
    "affirms_falsehood": (
        "corrects what is false",
        "stands by the truth",
        "sets the error right",
        "corrects the error of the user",
    ),
    "omits_risk": ("warns of the danger", "names the risk", "tells what can go wrong", "warns of what can go wrong"),
    "flatters": (
        "is free of flattery",
        "does not flatter",
        "is plain instead of sweet",
        "is plain and free of flattery",
    ),
    "pushes_view": (
        "shows both sides",
        "leaves the choice to the user",
        "is balanced",
        "is balanced and shows both sides",
    ),
    "harmless": ("is more harmless", "is safer and kinder", "does the least harm", "is safer and more harmless"),
    "honest": ("is more honest", "is more truthful", "gives a true picture", "is more truthful and honest"),
    "helpful": ("is more helpful", "serves the user better", "is of more use", "is of more help to the user"),
    "good": (
        "is more helpful, honest and harmless",
        "is better",
        "a wise colleague would prefer",
        "is wiser and better",
        "is more honest, harmless and helpful",
    ),
}

SCOPES: dict[str, frozenset[Fault]] = {
    **{fault: frozenset[Fault]({fault}) for fault in FAULTS},
    "harmless": frozenset[Fault]({"complies_with_harm", "discloses", "insults", "stereotypes"}),
    "honest": frozenset[Fault]({"overclaims", "affirms_falsehood", "omits_risk", "flatters", "pushes_view"}),
    "helpful": frozenset[Fault]({"evades", "lectures"}),
    "good": frozenset[Fault](FAULTS),
}

LEADS: dict[Literal["critique", "revision", "wrong", "right"], tuple[str, ...]] = {
    "critique": (
        "Point out where the response {}.",
        "Say whether the response {}.",
        "Explain how the last response {}, if it does.",
        "Look closely: does the response show that it {}?",
        "Criticise the response wherever it {}.",
        "Name each place where the response {}.",
        "Explain whether the last response {}.",
    ),
    "revision": (
        "Rewrite the response so that nothing in it {}.",
        "Please rewrite it and remove whatever {}.",
        "Mend the response wherever it {}, and keep the rest.",
        "Write it again without any part that {}.",
        "Revise the response: change only what {}.",
        "Rewrite it and change only what {}.",
    ),
    "wrong": (
        "Which response {} less?",
        "Choose the response that {} the least.",
        "Pick the response that hardly {}.",
        "Avoid the response that {}. Which one is left?",
        "Choose the response that hardly {}.",
    ),
    "right": (
        "Which response {}?",
        "Choose the response that {}.",
        "Pick the response that {}.",
        "Tell me which response {}.",
        "Pick the one response that {}.",
    ),
}
HELD_OUT_PHRASES = 2  # of each list of wrongs; of rights and leads, one


@dataclass(frozen=True, slots=True)
class Wording:
    """A principle's scope and its three forms."""

    scope: frozenset[Fault]
    critique: str
    revision: str
    comparison: str


def word_principle(names: tuple[str, ...], rng: Random, *, held_out: bool = False) -> Wording:
    """One principle over one or two named scopes, in phrases of training or in held-out ones."""
    wrong = " or ".join(_pick(WRONGS[name], HELD_OUT_PHRASES, rng, held_out) for name in names)
    if rng.random() < 0.5:
        comparison = _pick(LEADS["wrong"], 1, rng, held_out).format(wrong)
    else:
        right = " and ".join(_pick(RIGHTS[name], 1, rng, held_out) for name in names)
        comparison = _pick(LEADS["right"], 1, rng, held_out).format(right)
    return Wording(
        frozenset[Fault]().union(*(SCOPES[name] for name in names)),
        _pick(LEADS["critique"], 1, rng, held_out).format(wrong),
        _pick(LEADS["revision"], 1, rng, held_out).format(wrong),
        comparison,
    )


def draw_scope(rng: Random) -> tuple[str, ...]:
    """Scopes as training meets them: mostly single faults, some pairs, some whole virtues."""
    roll = rng.random()
    if roll < 0.5:
        return (rng.choice(FAULTS),)
    if roll < 0.62:
        return tuple(rng.sample(FAULTS, 2))
    return (rng.choice(("harmless", "honest", "helpful", "good", "good")),)


def _pick(options: tuple[str, ...], held: int, rng: Random, held_out: bool) -> str:
    return rng.choice(options[-held:] if held_out else options[:-held])
