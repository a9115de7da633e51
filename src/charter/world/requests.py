"""Draws requests: the listed topics for prompts, recombined ones for training text.

Recombining the two halves of topics gives thousands where some hundreds are listed, so the model learns to copy what a
request is about. A held-out topic is never made by chance.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

from charter.world.grammar import PREFIXES, REQUESTS, Request, word_request
from charter.world.kinds import HELD_OUT_DOMAIN, RequestKind
from charter.world.lexicon import Domain, Topic, domains, held_out_texts

KIND_WEIGHTS: dict[RequestKind, float] = {
    "benign": 0.24,
    "lookalike": 0.16,
    "harmful": 0.22,
    "private": 0.09,
    "unknowable": 0.11,
    "false_premise": 0.09,
    "opinion": 0.09,
}


def draw_request(
    rng: Random, *, recombine: float, skip_held_out_domain: bool, invent: float = 0.0, held_out: float = 0.0
) -> Request:
    """A request on a topic of training, recombined with one chance, and then with another holding a word that no
    language has. The held-out domain, unless skipped, is drawn as any other, or at a further chance of ``held_out``."""
    names = [name for name in domains() if not (skip_held_out_domain and name == HELD_OUT_DOMAIN)]
    domain = domains()[HELD_OUT_DOMAIN if held_out and rng.random() < held_out else rng.choice(names)]
    kind = rng.choices(tuple(KIND_WEIGHTS), tuple(KIND_WEIGHTS.values()))[0]
    topic = draw_topic(domain, kind, rng, recombine, invent)
    wanted = draw_topic(domain, "benign", rng, recombine, invent) if kind == "false_premise" else topic
    return word_request(topic, wanted, rng.randrange(len(REQUESTS[kind])), rng.choice(PREFIXES))


def draw_topic(domain: Domain, kind: RequestKind, rng: Random, recombine: float, invent: float = 0.0) -> Topic:
    """A listed topic of training or, with the given chance, the first half of one and the second half of another."""
    listed = domain.topics_of(kind, held_out=False)
    topic = rng.choice(listed)
    if rng.random() >= recombine:
        return topic
    other = rng.choice(listed)
    made = Topic(kind, domain.name, topic.first, other.second, held_out=False)
    if invent and rng.random() < invent:
        made = replace(made, first=_with_invented(made.first, rng)) if rng.random() < 0.5 else made
        made = replace(made, second=_with_invented(made.second, rng))
    return topic if made.text in held_out_texts() or made.first == made.second else made


def invented_word(rng: Random) -> str:
    """The beginning of one word and the end of another: several tokens, where a known word is one.

    Held-out topics hold words that training text never has; a model that has only seen words of one token can't copy
    them.
    """
    while True:
        front, back = rng.choice(trained_words()), rng.choice(trained_words())
        made = front[: rng.randint(1, 4)] + back[-rng.randint(2, 4) :]
        if made not in _known():
            return made


@cache
def trained_words() -> tuple[str, ...]:
    """The words of the domains' lists, held-out topics and the held-out domain apart."""
    trained = [domain for domain in domains().values() if domain.name != HELD_OUT_DOMAIN]
    texts = [
        *(topic.text for domain in trained for topic in domain.topics if not topic.held_out),
        *(text for domain in trained for text in (*domain.tools, *domain.steps, *domain.alternatives)),
    ]
    return tuple(sorted({word for text in texts for word in text.split()}))


@cache
def _known() -> frozenset[str]:
    topics = (topic.text for domain in domains().values() for topic in domain.topics)
    return frozenset(word for text in topics for word in text.split()) | frozenset(trained_words())


def _with_invented(half: str, rng: Random) -> str:
    """One of its words, a long one, replaced; as it is if there is none."""
    words = half.split()
    long = [place for place, word in enumerate(words) if len(word) > 3]
    if long:
        words[rng.choice(long)] = invented_word(rng)
    return " ".join(words)
