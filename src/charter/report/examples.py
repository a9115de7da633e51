"""Which records are shown as examples: by a fixed rule, never by how good they look.

Records are ranked by their id's hash, so that neither the order of the records nor chance has a say, and the groups
(categories of prompts) take turns, so that none fills the page.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from charter.report.names import round_of
from charter.seeds import derive_seed
from charter.types import Answer, Completion, Prompt, RevisionChain

T = TypeVar("T")
Rank = tuple[int, int]
CHAINS, PROMPTS = 6, 8  # how many are shown


class Picker(Generic[T]):
    """Keeps the ``limit`` records to show of those it was given; it never holds more than ``limit`` squared."""

    def __init__(self, limit: int, group: Callable[[T], str], rank: Callable[[T], Rank]) -> None:
        self._limit = limit
        self._group = group
        self._rank = rank
        self._best: dict[str, list[tuple[Rank, T]]] = {}

    def add(self, record: T) -> None:
        """Offers one more record."""
        kept = self._best.setdefault(self._group(record), [])
        ranked = [*kept, (self._rank(record), record)]
        kept[:] = heapq.nsmallest(self._limit, ranked, key=_first)
        if len(self._best) > self._limit:  # the group whose best is worst: it could not have a turn any more
            del self._best[max(self._best, key=lambda group: _first(self._best[group][0]))]

    def picked(self) -> tuple[T, ...]:
        """The best of each group, then the second best of each, and so on; groups by their best."""
        groups = sorted(self._best.values(), key=lambda kept: _first(kept[0]))
        turns = [kept[turn] for turn in range(self._limit) for kept in groups if turn < len(kept)]
        return tuple(record for _, record in turns[: self._limit])


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A held-out prompt and the answer of each policy that has answered it, by the policy's name."""

    prompt: Prompt
    answers: Mapping[str, Completion]


def chain_picker() -> Picker[RevisionChain]:
    """For chains of which something came: those that changed and are fit to learn from come before all others."""
    return Picker(CHAINS, lambda chain: chain.prompt.category, _chain_rank)


def pick_prompts(prompts: Iterable[Prompt]) -> tuple[Prompt, ...]:
    """Of the held-out prompts, those to show."""
    picker = Picker[Prompt](PROMPTS, lambda prompt: prompt.category, lambda prompt: (0, _hash(prompt.id)))
    for prompt in prompts:
        if prompt.split == "evaluation":
            picker.add(prompt)
    return picker.picked()


def side_by_side(prompts: Sequence[Prompt], answers: Iterable[Answer]) -> tuple[SideBySide, ...]:
    """The prompts with the policies' answers; those of the revision rounds are shown elsewhere."""
    found: dict[str, dict[str, Completion]] = {prompt.id: {} for prompt in prompts}
    for answer in answers:
        if answer.prompt.id in found and round_of(answer.policy) is None:
            found[answer.prompt.id][answer.policy] = answer.completion
    return tuple(SideBySide(prompt, found[prompt.id]) for prompt in prompts if found[prompt.id])


def _chain_rank(chain: RevisionChain) -> Rank:
    changed = bool(chain.revisions) and chain.revisions[-1].response.text != chain.first.text
    flawed = any(revision.flawed for revision in chain.revisions)
    return 2 * (not changed) + flawed, _hash(chain.id)


def _hash(name: str) -> int:
    return derive_seed(0, "report", name)


def _first(pair: tuple[Rank, T]) -> Rank:
    return pair[0]
