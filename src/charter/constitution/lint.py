"""Reads a constitution as a careful editor would, and says what will make it work less well than it could.

Levels: ``error`` (it will not do what it says), ``warning`` (likely to hurt), ``note`` (worth knowing).
Behaviour-based, positively framed principles agree best with people's judgement (C3AI, arXiv 2502.15861), hence the
checks of wording. Their vocabulary is English: in another language they find little, and those of structure hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from charter.constitution.wording import (
    content_stems,
    is_only_negative,
    likeness,
    normalised,
    points_elsewhere,
    vague_words,
    word_count,
)
from charter.judge_form import neutralise
from charter.types import Constitution, Principle

Level = Literal["error", "warning", "note"]
MAX_WORDS = 80  # a request: beyond it small models follow its first half
MAX_TEXT_WORDS = 60
NEAR_DUPLICATE = 0.6  # share of words in common
RARE = 0.2  # of an even share of the draws
UNEVEN = 2 / 3  # share of examples won by one letter

_FORMS = ("critique", "revision", "comparison")
_VALUES = ("harmless", "honest", "helpful")


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What is wrong, with which principle (empty: the constitution), and its line where that is known."""

    level: Level
    principle_id: str
    message: str
    line: int | None = None


def lint(constitution: Constitution, lines: Mapping[str, int] | None = None) -> tuple[LintFinding, ...]:
    """All findings: about the whole first, then by principle. ``lines`` holds the line of each principle's id."""
    lines = lines or {}
    found = [LintFinding(level, "", message) for check in _WHOLE for level, message in check(constitution)]
    for first, second in combinations(constitution.principles, 2):
        found += [_at(second, lines, level, message) for level, message in _repetition(first, second)]
    for principle in constitution.principles:
        found += [_at(principle, lines, *problem) for problem in _rarity(principle, constitution)]
        found += [_at(principle, lines, *problem) for check in _SINGLE for problem in check(principle)]
    order = {principle.id: index for index, principle in enumerate(constitution.principles)}
    return tuple(sorted(found, key=lambda finding: order.get(finding.principle_id, -1)))


Problems = Iterator[tuple[Level, str]]


def _at(principle: Principle, lines: Mapping[str, int], level: Level, message: str) -> LintFinding:
    return LintFinding(level, principle.id, message, lines.get(principle.id))


def _values_missing(constitution: Constitution) -> Problems:
    tagged = {tag for principle in constitution.principles if principle.weight > 0 for tag in principle.tags}
    for value in _VALUES:
        if value not in tagged:
            yield "warning", f"no principle is tagged {value}: training may trade it away for the others"


def _priorities_unused(constitution: Constitution) -> Problems:
    tagged = {tag for principle in constitution.principles for tag in principle.tags}
    for priority in constitution.priorities:
        if priority not in tagged:
            yield "warning", f"the priority {priority!r} is no principle's tag"


def _kind_missing(constitution: Constitution) -> Problems:
    if not any(principle.critique and principle.weight > 0 for principle in constitution.principles):
        yield "error", "no principle has critique and revision requests: nothing can be revised by this constitution"
    if not any(principle.comparison and principle.weight > 0 for principle in constitution.principles):
        yield "error", "no principle has a comparison question: no judge can use this constitution"


def _halves(constitution: Constitution) -> Problems:
    for missing, use in (("critique", "to judges"), ("comparison", "to revision")):
        count = sum(not getattr(principle, missing) for principle in constitution.principles)
        if count:
            yield "note", f"{count} of {len(constitution.principles)} principles speak only {use}: no {missing} in them"


def _letters_uneven(constitution: Constitution) -> Problems:
    letters = [example.better for example in constitution.comparison_examples]
    for letter in ("a", "b"):
        if len(letters) > 1 and letters.count(letter) / len(letters) > UNEVEN:
            count = f"{letters.count(letter)} of {len(letters)}"
            yield "warning", f"({letter.upper()}) is better in {count} comparison examples: a judge learns the letter"


def _repetition(first: Principle, second: Principle) -> Problems:
    for form in ("text", *_FORMS):
        one, other = getattr(first, form), getattr(second, form)
        if not one or not other or (form != "text" and one == first.text and other == second.text):
            continue
        if normalised(one) == normalised(other):
            yield "error", f"its {form} is the same as that of {first.id!r}"
        elif likeness(one, other) >= NEAR_DUPLICATE and (form != "revision" or _same_critique(first, second)):
            yield "warning", f"its {form} says nearly the same as that of {first.id!r}"


def _same_critique(first: Principle, second: Principle) -> bool:
    return likeness(first.critique, second.critique) >= NEAR_DUPLICATE


def _rarity(principle: Principle, constitution: Constitution) -> Problems:
    if principle.weight == 0:
        yield "note", "its weight is 0: it is never drawn"
        return
    for form in ("critique", "comparison"):
        weights = [other.weight for other in constitution.principles if getattr(other, form) and other.weight > 0]
        if getattr(principle, form) and principle.weight * len(weights) < RARE * sum(weights):
            share = principle.weight / sum(weights)
            use = "revisions" if form == "critique" else "comparisons"
            yield "warning", f"drawn for {share:.2%} of {use}: too rarely to matter"


def _source_missing(principle: Principle) -> Problems:
    if not principle.source:
        yield "warning", "names no source: say where it comes from, so that it can be argued with"


def _tags_missing(principle: Principle) -> Problems:
    if not principle.tags:
        yield "note", "has no tag (harmless, honest, helpful): it is left out of counts by value"


def _half_a_pair(principle: Principle) -> Problems:
    if principle.critique and not principle.revision:
        yield "error", "has a critique request and no revision request that could follow it"
    elif principle.revision and not principle.critique:
        yield "error", "has a revision request and no critique request that could precede it"


def _revision_off_topic(principle: Principle) -> Problems:
    if not principle.critique or not principle.revision:
        return
    if not content_stems(principle.critique) & content_stems(principle.revision):
        yield "warning", "its revision request shares no word with its critique request: do they fit together?"


def _negative(principle: Principle) -> Problems:
    for form in ("text", "revision", "comparison"):
        words = getattr(principle, form)
        if words and (form == "text" or words != principle.text) and is_only_negative(words):
            yield "warning", f"its {form} says only what not to do: say what a response does instead"


def _too_long(principle: Principle) -> Problems:
    for form, limit in (("text", MAX_TEXT_WORDS), *((form, MAX_WORDS) for form in _FORMS)):
        count = word_count(getattr(principle, form))
        if count > limit:
            yield "warning", f"its {form} has {count} words; small models follow up to about {limit}"


def _vague(principle: Principle) -> Problems:
    for form in _FORMS:
        vague = vague_words(getattr(principle, form))
        if vague:
            yield "note", f"its {form} rests on {', '.join(vague)}: say what that looks like in a response"


def _not_alone(principle: Principle) -> Problems:
    elsewhere = points_elsewhere(principle.comparison)
    if elsewhere:
        yield "warning", f"its comparison points elsewhere ({elsewhere!r}): a judge sees this question alone"


def _imitates_form(principle: Principle) -> Problems:
    for form in _FORMS:
        words = getattr(principle, form)
        if words != neutralise(words):
            yield "warning", f"its {form} holds hidden characters, or a line like the judge's form (options, turns)"
        if re.search(r"\boptions:\s*$", words, re.IGNORECASE):
            yield "warning", f"its {form} ends in 'Options:', which the judge's form adds"


_WHOLE: tuple[Callable[[Constitution], Problems], ...] = (
    _kind_missing,
    _values_missing,
    _priorities_unused,
    _letters_uneven,
    _halves,
)
_SINGLE: tuple[Callable[[Principle], Problems], ...] = (
    _half_a_pair,
    _source_missing,
    _tags_missing,
    _revision_off_topic,
    _negative,
    _not_alone,
    _imitates_form,
    _too_long,
    _vague,
)
