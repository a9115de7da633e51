"""Words of what users say, and runs of them: what near-duplicates and contamination are measured by.

Case, punctuation and the width of characters don't count. Scripts that put no spaces between words are taken by the
character. Only users' turns count: what assistants answer, and system messages that a whole file shares, would make
prompts look alike that aren't.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from charter.digests import digest_of
from charter.types import Prompt

_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Han
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
SHINGLE_WORDS = 3


def words_of(text: str) -> list[str]:
    """The text's words; of a text without any, such as "?!", the text itself."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(plain) or [plain]


def runs(words: list[str], length: int) -> Iterable[str]:
    """Every ``length`` words in a row; all of them, if there are fewer."""
    return (" ".join(words[start : start + length]) for start in range(max(1, len(words) - length + 1)))


def shingles(prompt: Prompt) -> frozenset[str]:
    """What near-duplicates share: every three words in a row of a user's turn, marked with the system message.

    So prompts under different system messages share nothing: they ask for different answers.
    """
    opening = prompt.conversation.messages[0]
    mark = f"{digest_of(opening.content)[:8]}|" if opening.role == "system" else ""
    return frozenset(mark + run for words in _turns(prompt) for run in runs(words, SHINGLE_WORDS))


def ngrams(prompt: Prompt, length: int) -> frozenset[str]:
    """Every ``length`` words in a row of a user's turn; all that the user said, where no turn is that long."""
    turns = [words for words in _turns(prompt) if len(words) >= length]
    if not turns:
        return frozenset({" ".join(word for words in _turns(prompt) for word in words)})
    return frozenset(run for words in turns for run in runs(words, length))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """The share that both have of what either has."""
    return len(one & other) / len(one | other)


def _turns(prompt: Prompt) -> list[list[str]]:
    return [words_of(turn.content) for turn in prompt.conversation.messages if turn.role == "user"]
