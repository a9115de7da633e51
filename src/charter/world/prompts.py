"""The small world's prompts: training ones on listed topics, evaluation ones on topics and a domain held out."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Literal

from charter.digests import digest_of
from charter.errors import PromptError
from charter.seeds import derive_seed
from charter.types import Conversation, Prompt, PromptKind, Split
from charter.world.grammar import PREFIXES, REQUESTS, Request, word_request
from charter.world.kinds import HELD_OUT_DOMAIN, RED_TEAM_KINDS, REQUEST_KINDS, RequestKind
from charter.world.lexicon import Topic, domains
from charter.world.requests import KIND_WEIGHTS

Pool = Literal["train", "held_out_topics", "held_out_domain"]
SOURCE = "small-world"
ATTEMPTS = 50  # a row of draws that are all taken means that the pool is empty


def train_prompts(red_team: int, helpful: int, seed: int) -> list[Prompt]:
    """Distinct training prompts on training topics of every domain but the held-out one.

    Raises ``PromptError`` if the world has fewer.
    """
    red_kinds = _kinds(red_team=True)
    helpful_kinds = _kinds(red_team=False)
    return [
        *_draw(("train",), red_kinds, red_team, "train", Random(derive_seed(seed, "world", "red_team"))),
        *_draw(("train",), helpful_kinds, helpful, "train", Random(derive_seed(seed, "world", "helpful"))),
    ]


def evaluation_prompts(count: int, seed: int) -> list[Prompt]:
    """Distinct evaluation prompts of every kind: on held-out topics, and on all topics of the held-out domain.

    Raises ``PromptError`` if the world has fewer.
    """
    rng = Random(derive_seed(seed, "world", "evaluation"))
    return _draw(("held_out_topics", "held_out_domain"), REQUEST_KINDS, count, "evaluation", rng)


def pool_of(topic: Topic) -> Pool:
    """Which of the three pools a topic belongs to."""
    if topic.domain == HELD_OUT_DOMAIN:
        return "held_out_domain"
    return "held_out_topics" if topic.held_out else "train"


def as_prompt(request: Request, split: Split) -> Prompt:
    """A request as the method sees it: ``category`` is domain and kind, the kind decides the side."""
    kind: PromptKind = "red_team" if request.kind in RED_TEAM_KINDS else "helpful"
    conversation = Conversation.of(request.text)
    return Prompt(
        id=digest_of(conversation)[:16],
        conversation=conversation,
        kind=kind,
        category=f"{request.topic.domain}/{request.kind}",
        source=SOURCE,
        split=split,
    )


def draw_listed(kind: RequestKind, pools: tuple[Pool, ...], rng: Random) -> Request:
    """A request on a listed topic of one of the pools, in any wording."""
    topics = _pools()[kind]
    topic = rng.choice([topic for pool in pools for topic in topics[pool]])
    benign = [other for other in domains()[topic.domain].topics_of("benign") if other.held_out == topic.held_out]
    wanted = rng.choice(benign) if kind == "false_premise" else topic
    return word_request(topic, wanted, rng.randrange(len(REQUESTS[kind])), rng.choice(PREFIXES))


def _kinds(*, red_team: bool) -> tuple[RequestKind, ...]:
    return tuple(kind for kind in REQUEST_KINDS if (kind in RED_TEAM_KINDS) == red_team)


def _draw(
    pools: tuple[Pool, ...], kinds: tuple[RequestKind, ...], count: int, split: Split, rng: Random
) -> list[Prompt]:
    found: dict[str, Prompt] = {}
    weights = [KIND_WEIGHTS[kind] for kind in kinds]
    misses = 0
    while len(found) < count:
        prompt = as_prompt(draw_listed(rng.choices(kinds, weights)[0], pools, rng), split)
        misses = misses + 1 if prompt.id in found else 0
        if misses > ATTEMPTS:
            raise PromptError(
                f"the small world has about {len(found)} prompts of this sort, and {count} were asked for",
                "Ask for fewer in the recipe's section prompts.",
            )
        found[prompt.id] = prompt
    return list(found.values())


@cache
def _pools() -> dict[RequestKind, dict[Pool, list[Topic]]]:
    table: dict[RequestKind, dict[Pool, list[Topic]]] = {
        kind: {"train": [], "held_out_topics": [], "held_out_domain": []} for kind in REQUEST_KINDS
    }
    for domain in domains().values():
        for topic in domain.topics:
            table[topic.kind][pool_of(topic)].append(topic)
    return table
