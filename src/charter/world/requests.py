"""Draws requests: the listed topics for prompts, recombined ones for training text.

Recombining the two halves of topics gives thousands where some hundreds are listed, so the model learns to copy what a
request is about. A held-out topic is never made by chance.
"""

from __future__ import annotations

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


def draw_request(rng: Random, *, recombine: float, skip_held_out_domain: bool) -> Request:
    """A request on a topic of training, recombined with the given chance."""
    names = [name for name in domains() if not (skip_held_out_domain and name == HELD_OUT_DOMAIN)]
    domain = domains()[rng.choice(names)]
    kind = rng.choices(tuple(KIND_WEIGHTS), tuple(KIND_WEIGHTS.values()))[0]
    topic = draw_topic(domain, kind, rng, recombine)
    wanted = draw_topic(domain, "benign", rng, recombine) if kind == "false_premise" else topic
    return word_request(topic, wanted, rng.randrange(len(REQUESTS[kind])), rng.choice(PREFIXES))


def draw_topic(domain: Domain, kind: RequestKind, rng: Random, recombine: float) -> Topic:
    """A listed topic of training or, with the given chance, the first half of one and the second half of another."""
    listed = domain.topics_of(kind, held_out=False)
    topic = rng.choice(listed)
    if rng.random() >= recombine:
        return topic
    other = rng.choice(listed)
    made = Topic(kind, domain.name, topic.first, other.second, held_out=False)
    return topic if made.text in held_out_texts() or made.first == made.second else made
