"""What can be wrong with a revision, found without a model: pure checks that give flags.

Fine-tuning learns whatever the revisions say, so noise in them becomes the policy's manner: openers ("Here is the
revised response:") and loops are the known cases (Hugging Face's "Constitutional AI with Open LLMs"; arXiv 2504.04918).
``types.FLAWS`` says which flags make a revision unfit to learn from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from charter.types import Completion

OPENER = "opener"  # an announcement of the revision, taken off
EMPTY = "empty"  # nothing was written; the previous response is kept
NO_CRITIQUE = "no_critique"  # the critique was empty, so no revision was asked for; the previous response is kept
TOO_LONG = "too_long"  # the turns and an answer don't fit the model's context; the previous response is kept
UNCHANGED = "unchanged"  # the previous response word for word
REPETITION = "repetition"  # a loop
TRUNCATED = "truncated"  # cut off by max_tokens
CRITIQUE_TRUNCATED = "critique_truncated"  # the critique was
CRITIQUE_FOR_REVISION = "critique_for_revision"  # speaks about the response instead of giving one
FLAGS = (
    OPENER,
    EMPTY,
    NO_CRITIQUE,
    TOO_LONG,
    UNCHANGED,
    REPETITION,
    TRUNCATED,
    CRITIQUE_FOR_REVISION,
    CRITIQUE_TRUNCATED,
)

LONGEST_LOOP = 24  # words in the phrase that comes again and again
LOOP_TURNS = 3  # times that it comes in a row
LOOP_WORDS = 9  # words that the loop covers at least: "no, no, no" is none

_REWRITTEN = r"""(
    (revised|rewritten|updated|improved|corrected|edited|reworded|new),?\ (\w+,?\ ){0,3}
        (response|answer|reply|version|text|message)
  | revision | rewrite )"""
_OPENER = re.compile(
    rf"""\A[\s*_#"]*
    (
        ((sure|certainly|of\ course|okay|ok|absolutely|yes|alright|understood)\b[,.!]?\s*)?
        (here(\ is|'s|’s)|below\ is|this\ is)\ [^\n:]{{0,20}}? \b{_REWRITTEN}\b [^\n:]{{0,100}} (:|\n)
      | (my\ |the\ )?{_REWRITTEN}\s*[*_]*:
    )
    [\s*_]*""",
    re.VERBOSE | re.IGNORECASE,
)
_ABOUT_THE_RESPONSE = re.compile(
    r"""\A[\s*_#"]*
    (
        critique\s*[*_]*:
      | (the|this|that|my|your)\ ((previous|last|preceding|above|original|first|earlier|initial|assistant(['’]s)?
            |(ai|model|chatbot)(['’]s)?)\ )+(response|reply|answer)\b
      | (the|this|that)\ response\ (?!(to|of|rate|time|team)\b|is\s*:)
      | the\ (ai\ |ai's\ )?assistant\ (is|was|has|did|does|should|could|would|might|may|can|also|not|said|says|gave
            |gives|provided|provides|responded|responds|answered|answers|made|makes|failed|fails|helped|helps|encouraged
            |encourages|suggested|suggests|assumed|assumes|claimed|claims|ignored|ignores|insulted|insults|complied|complies)\b
      | in\ (the|this|its|my)\ (assistant['’]s\ )?(previous\ |last\ )?response\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
# Words; single characters of scripts written without spaces; pictographs, which loop too. Rules of dashes are no words.
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u2600-\u27bf\U0001f000-\U0001faff]"
    r"|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A revision's text as it goes on, and the flags that say what was found in it and done to it."""

    text: str
    flags: tuple[str, ...]


def examine(revision: Completion, previous: str, critique: str) -> Cleaned:
    """The revision without an opener, or ``previous`` where nothing else is left; with flags in the order of FLAGS."""
    text = clean(revision.text)
    checks = {
        OPENER: text != revision.text,
        EMPTY: not text.strip(),
        UNCHANGED: bool(text.strip()) and text.split() == previous.split(),
        REPETITION: has_loop(text),
        TRUNCATED: revision.stop == "length",
        CRITIQUE_FOR_REVISION: speaks_about_the_response(text, critique),
    }
    return Cleaned(text if text.strip() else previous, tuple(flag for flag, found in checks.items() if found))


def clean(text: str) -> str:
    """``text`` without an announcement of the revision at its start; otherwise untouched."""
    return _OPENER.sub("", text, count=1)


def speaks_about_the_response(text: str, critique: str) -> bool:
    """Point-of-view confusion (§3.1): a critique, or the same critique once more, where a revision is due."""
    return bool(text.strip() and text.split() == critique.split()) or bool(_ABOUT_THE_RESPONSE.match(text))


def has_loop(text: str) -> bool:
    """Whether a phrase of up to LONGEST_LOOP words comes LOOP_TURNS times in a row, over LOOP_WORDS words or more."""
    words = _WORDS.findall(text.lower())
    return any(_loops_with_period(words, period) for period in range(1, LONGEST_LOOP + 1))


def _loops_with_period(words: list[str], period: int) -> bool:
    needed = max(LOOP_WORDS, period * LOOP_TURNS) - period  # words in a row that equal the word one period before
    run = 0
    for earlier, later in zip(words, words[period:], strict=False):
        run = run + 1 if earlier == later else 0
        if run >= needed:
            return True
    return False
