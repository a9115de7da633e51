"""What a revision changed: its words, those that are new marked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_WORDS = re.compile(r"\S+\s*")
MOST_WORDS = 400  # beyond it the comparison, quadratic at worst, is not made


def marked(before: str, after: str) -> list[tuple[bool, str]]:
    """``after`` cut into stretches, each with whether it is new; joined they are ``after`` again."""
    opening = after[: len(after) - len(after.lstrip())]
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return [(False, after)]
    same = SequenceMatcher(None, [word.rstrip() for word in old], [word.rstrip() for word in new], autojunk=False)
    stretches = [(tag != "equal", "".join(new[start:end])) for tag, _, _, start, end in same.get_opcodes()]
    return [(False, opening), *stretches]
