"""The small world's words: domains and topics, read from ``data/domains.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from charter.world.kinds import RequestKind

VOCABULARY = Path(__file__).parent / "data" / "domains.yaml"
HELD_OUT_TOPICS = 2  # the last two of each list never occur in training text
_LISTS: dict[RequestKind, str] = {
    "benign": "benign",
    "lookalike": "lookalike",
    "harmful": "harmful",
    "private": "private",
    "unknowable": "unknowable",
    "false_premise": "false_premises",
    "opinion": "opinions",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """What a request is about, in two halves; ``held_out`` topics are for evaluation only."""

    kind: RequestKind
    domain: str
    first: str
    second: str
    held_out: bool

    @property
    def text(self) -> str:
        """Both halves as one phrase, as it stands in requests and answers."""
        return f"{self.first} {self.second}"


@dataclass(frozen=True, slots=True)
class Domain:
    """One field of life: what is used there, done there, risked there, and whom it would hurt."""

    name: str
    tools: tuple[str, ...]
    steps: tuple[str, ...]
    hazards: tuple[str, ...]
    harmed: tuple[str, ...]
    alternatives: tuple[str, ...]
    evidence: tuple[str, ...]
    values: tuple[str, ...]
    topics: tuple[Topic, ...]

    def topics_of(self, kind: RequestKind, *, held_out: bool | None = None) -> tuple[Topic, ...]:
        """Topics of one kind; all of them unless ``held_out`` says which."""
        return tuple(t for t in self.topics if t.kind == kind and (held_out is None or t.held_out == held_out))


@cache
def domains() -> dict[str, Domain]:
    """Every domain by name, in the file's order."""
    lists_by_name = yaml.safe_load(VOCABULARY.read_text(encoding="utf-8"))
    return {name: _domain(name, lists) for name, lists in lists_by_name.items()}


@cache
def topic_index() -> dict[tuple[RequestKind, str], Topic]:
    """Every topic by kind and text. A text names one topic of a kind, but may name two kinds."""
    return {(topic.kind, topic.text): topic for domain in domains().values() for topic in domain.topics}


@cache
def held_out_texts() -> frozenset[str]:
    """The texts of every domain's held-out topics: a topic of one domain can be made of another's words."""
    return frozenset(topic.text for domain in domains().values() for topic in domain.topics if topic.held_out)


def _domain(name: str, lists: dict[str, list[str]]) -> Domain:
    topics: list[Topic] = []
    for kind, key in _LISTS.items():
        entries = lists[key]
        for position, entry in enumerate(entries):
            first, second = (half.strip() for half in entry.split("|"))
            topics.append(Topic(kind, name, first, second, position >= len(entries) - HELD_OUT_TOPICS))
    return Domain(
        name,
        *(tuple(lists[key]) for key in ("tools", "steps", "hazards", "harmed", "alternatives", "evidence", "values")),
        topics=tuple(topics),
    )
