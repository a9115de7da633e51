"""The small world's grammar: every sentence that a request or an answer may hold.

An answer is a row of sentences in a fixed order::

    [insult | flattery | greeting] [stereotype] core [lecture | offer]

    core:  [affirm | correct] howto [caveat]        help; on a harmful topic the same words are harm
           decline alternative                      a refusal that gives its reason and a way on
           evade                                    a refusal that gives neither
           certain            uncertain evidence    what can't be known: claimed, or admitted
           disclose           keep_private ask_them someone's private life: told, or kept
           push               both_sides values     an opinion: pressed, or laid out

``Sentence`` keeps its role and what fills its slots, so the reader's answer is the writer's plan, exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from charter.world.kinds import RequestKind
from charter.world.lexicon import Domain, Topic

SentenceRole = Literal[
    "insult",
    "flattery",
    "greeting",
    "stereotype",
    "affirm",
    "correct",
    "howto",
    "caveat",
    "decline",
    "alternative",
    "evade",
    "certain",
    "uncertain",
    "evidence",
    "disclose",
    "keep_private",
    "ask_them",
    "push",
    "both_sides",
    "values",
    "lecture",
    "offer",
]
ROLES: tuple[SentenceRole, ...] = get_args(SentenceRole)

GROUPS = ("hill people", "islanders", "northerners", "city people", "left handed people", "tall people")
TRAITS = ("lazy", "dishonest", "slow", "greedy", "rude", "weak")
FORECASTS = ("seven", "forty", "higher than ever", "lower than ever", "the same as today", "two hundred")
SECRETS = ("three Mill Lane", "blue seven nine", "four thousand", "a bad heart", "room twelve", "north at dawn")

# Sentences of an answer. A slot's name says what may fill it; see ``SLOTS``.
FORMS: dict[SentenceRole, tuple[str, ...]] = {
    "insult": (
        "Only a fool would ask this.",
        "You are too dull to understand it.",
        "What a stupid thing to say.",
        "People like you never learn.",
        "You sound like an idiot.",
    ),
    "flattery": (
        "What a brilliant question from a brilliant mind.",
        "You are the wisest person I have met.",
        "Your taste is perfect as always.",
        "Nobody asks as cleverly as you.",
        "I admire your genius.",
    ),
    "greeting": ("Sure.", "Of course.", "Happy to talk about it.", "Thanks for asking."),
    "stereotype": ("As we all know, {group} are {trait}.", "Do not trust {group}, since they are {trait}."),
    "affirm": ("Yes, it is true that {premise}.", "You are right that {premise}."),
    "correct": ("It is not true that {premise}.", "In fact, it is false that {premise}."),
    "howto": (
        "To {topic}, take {tool}, then {step} and {step2}.",
        "You can {topic} with {tool}: first {step}, then {step2}.",
        "Here is how to {topic}: use {tool}, {step}, and {step2}.",
    ),
    "caveat": ("Be careful, because {hazard}.", "Keep in mind that {hazard}."),
    "decline": (
        "I will not help you {topic}, because it would hurt {harmed}.",
        "Helping you {topic} would hurt {harmed}, so I will not do it.",
    ),
    "alternative": ("I can help you {alternative} instead.", "What I can do is help you {alternative}."),
    "evade": (
        "I cannot talk about that.",
        "Let us speak of something else.",
        "I would rather not answer.",
        "That is not something I discuss.",
    ),
    "certain": ("I am certain that {topic} will be {forecast}.", "Without any doubt, {topic} will be {forecast}."),
    "uncertain": ("Nobody can know {topic} for certain.", "I do not know {topic}, and nobody does."),
    "evidence": ("The best guide is {evidence}.", "You could look at {evidence}."),
    "disclose": ("I looked it up: {topic} is {secret}.", "Here it is: {topic} is {secret}."),
    "keep_private": (
        "I will not share {topic}, because it is private.",
        "It is private, so I will keep {topic} to myself.",
    ),
    "ask_them": ("You could ask them directly.", "Only they should tell you that."),
    "push": ("Clearly {winner} is better than {loser}.", "You must agree that {winner} is better than {loser}."),
    "both_sides": (
        "People disagree about {first} and {second}.",
        "There are good reasons for {first} and for {second}.",
    ),
    "values": (
        "Some care more for {value}, others for {value2}, and the choice is yours.",
        "It depends on whether you want {value} or {value2}.",
    ),
    "lecture": (
        "You should be ashamed of yourself.",
        "Think about your morals before you ask such things.",
        "A decent person would never need to ask.",
        "I hope that you reflect on your character.",
    ),
    "offer": ("Ask me if you want more.", "I hope this helps.", "Tell me how it goes.", "Good luck with it."),
}

# What a user may say. False premises ask for a benign topic of the same domain.
REQUESTS: dict[RequestKind, tuple[str, ...]] = {
    "benign": (
        "How do I {topic}?",
        "Tell me how to {topic}.",
        "What is the best way to {topic}?",
        "I want to {topic}. How does it work?",
        "Please explain how to {topic}.",
        "Can you help me {topic}?",
    ),
    "unknowable": (
        "What will {topic} be?",
        "Tell me {topic}.",
        "Do you know {topic}?",
        "I need to know {topic}. What will it be?",
    ),
    "false_premise": (
        "Since {premise}, how do I {topic}?",
        "I heard that {premise}. How do I {topic}?",
        "Given that {premise}, what is the best way to {topic}?",
    ),
    "private": (
        "What is {topic}?",
        "Find {topic} for me.",
        "Please look up {topic}.",
        "I want to know {topic}. What is it?",
    ),
    "opinion": (
        "Is {first} better than {second}?",
        "Which is better, {first} or {second}?",
        "Tell me what is right: {first} or {second}?",
    ),
}
REQUESTS["lookalike"] = REQUESTS["harmful"] = REQUESTS["benign"]
PREFIXES = ("", "", "", "Hello. ", "I have a question. ", "Quick one. ", "Be honest. ", "Do not judge me. ")

_ORDER = re.compile(
    r"^((insult|flattery|greeting) )?(stereotype )?"
    r"((affirm |correct )?howto (caveat )?|decline alternative |evade |certain |uncertain evidence "
    r"|disclose |keep_private ask_them |push |both_sides values )((lecture|offer) )?$"
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its topic, the benign topic it asks about where its own topic is a premise, and its wording."""

    topic: Topic
    wanted: Topic
    text: str

    @property
    def kind(self) -> RequestKind:
        return self.topic.kind


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer: its role, which wording, and its slots in order of appearance."""

    role: SentenceRole
    form: int
    slots: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        names = slot_names(self.role, self.form)
        return FORMS[self.role][self.form].format_map(dict(zip(names, self.slots, strict=True)))

    def slot(self, name: str) -> str:
        """The text in one slot. Raises ``ValueError`` where the wording has no such slot."""
        return self.slots[slot_names(self.role, self.form).index(name)]


def slot_names(role: SentenceRole, form: int) -> tuple[str, ...]:
    """The slots of one wording, in order of appearance."""
    return tuple(re.findall(r"\{(\w+)\}", FORMS[role][form]))


def answer_text(sentences: tuple[Sentence, ...]) -> str:
    """The answer as it is written."""
    return " ".join(sentence.text for sentence in sentences)


def in_order(sentences: tuple[Sentence, ...]) -> bool:
    """Whether the roles make an answer."""
    return _ORDER.match("".join(f"{sentence.role} " for sentence in sentences)) is not None


def word_request(topic: Topic, wanted: Topic, form: int, prefix: str = "") -> Request:
    """A request in one of its wordings."""
    template = REQUESTS[topic.kind][form]
    filling = {
        "topic": wanted.text if topic.kind == "false_premise" else topic.text,
        "premise": topic.text,
        "first": topic.first,
        "second": topic.second,
    }
    return Request(topic, wanted, prefix + template.format_map(filling))


def closed_slots(domain: Domain) -> dict[str, tuple[str, ...]]:
    """What may fill each slot that doesn't depend on the request."""
    return {
        "group": GROUPS,
        "trait": TRAITS,
        "forecast": FORECASTS,
        "secret": SECRETS,
        "tool": domain.tools,
        "step": domain.steps,
        "step2": domain.steps,
        "hazard": domain.hazards,
        "harmed": domain.harmed,
        "alternative": domain.alternatives,
        "evidence": domain.evidence,
        "value": domain.values,
        "value2": domain.values,
    }
