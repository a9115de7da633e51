"""What can be seen of a principle's wording without a model: length, likeness, negation, vagueness."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLAUSE_END = re.compile(r"[.!?;:,]\s+|\b(?:and|but|then|while)\b")
_SHORTEST_CLAUSE = 4  # words: what is shorter is part of a list
_NEGATION = re.compile(
    r"\b(not|never|no|none|nothing|without|avoid\w*|refrain\w*|remov\w+|eliminat\w+|omit\w*|cannot|nor|neither|less"
    r"|least|fewer|(do|does|is|are|should|must|can|will|would|could)n['’]t|won['’]t)\b",
    re.IGNORECASE,
)
_CHANGELESS = re.compile(r"needs? chang|repeat the response|write only|no chang", re.IGNORECASE)
_VAGUE = re.compile(
    r"\b(appropriate(?:ly)?|inappropriate(?:ly)?|proper(?:ly)?|suitabl[ey]|acceptabl[ey]|unacceptabl[ey]|nice(?:ly)?"
    r"|bad(?:ly)?|problematic|objectionable|questionable|as needed|and so on|etc|somehow|in (?:any|some) way|stuff)\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(this principle|the principle|above(?! all)|as before|the critique|the following principle|same as)\b",
    re.IGNORECASE,
)
_COMMON = re.compile(  # words that fit any request
    r"and|but|that|this|these|those|its|are|was|were|been|being|for|from|with|into|about|your?|last|responses?|answer"
    r"|rewrite|revise|write|only|please|user|human|assistant|any|all|each|every|there|says?|what|which|who|how|does|did"
    r"|ha[sd]|have|not|none|nothing|would|could|should|than|then|where|when|while|more|most|less|least|such|other|one|the"
)


def words_of(text: str) -> list[str]:
    """The words, in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


def word_count(text: str) -> int:
    return len(words_of(text))


def normalised(text: str) -> str:
    """The text with case, punctuation and spacing set aside."""
    return " ".join(words_of(text))


def likeness(one: str, other: str) -> float:
    """The share of two texts' distinct words that they have in common, from 0 to 1 (Jaccard), common words left out."""
    first, second = content_words(one), content_words(other)
    return len(first & second) / len(first | second) if first or second else 0.0


def content_words(text: str) -> set[str]:
    """The words that carry meaning."""
    return {word for word in words_of(text) if len(word) > 2 and not _COMMON.fullmatch(word)}


def content_stems(text: str) -> set[str]:
    """Their beginnings, so that "harm" meets "harmful"."""
    return {word[:4] for word in content_words(text)}


def is_only_negative(text: str) -> bool:
    """Whether every clause tells what to leave away. Clauses that only say how to reply are set aside."""
    clauses = [part for part in _CLAUSE_END.split(text) if word_count(part) >= _SHORTEST_CLAUSE]
    clauses = [clause for clause in clauses if not _CHANGELESS.search(clause)]
    return bool(clauses) and all(_NEGATION.search(clause) for clause in clauses)


def vague_words(text: str) -> tuple[str, ...]:
    """Words that leave a model to guess, each once, in order."""
    return tuple(dict.fromkeys(match.lower() for match in _VAGUE.findall(text)))


def points_elsewhere(text: str) -> str:
    """The first phrase that refers to something outside the text, or nothing."""
    found = _ELSEWHERE.search(text)
    return found.group(0) if found else ""
