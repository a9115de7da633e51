"""The form in which a judge is asked: one conversation, one question, two options (CAI §4.1).

Both the feedback stage, which asks it, and the small world, whose model learns to be asked it, take it from here: a
judge is only as good as its questions are like those it knows. What is judged is hostile: a line of it that imitates
the form (an option, a turn, an answer) is quoted with "> ", and characters that hide or reorder text are taken out.
Ordinary text passes byte for byte.

The whole question::

    Consider the following conversation between a human and an assistant:

    Human: {user}

    {question}
    Options:
    (A) {a}
    (B) {b}

and the assistant's turn starts with ``JUDGE_PREFILL``; the judge's probabilities for ``JUDGE_CHOICES`` are its verdict.
Departure: the paper puts the last line into the question; here it is the start of the assistant's turn, so that a chat
model sees its own template.
"""

from __future__ import annotations

import re
import unicodedata

from charter.types import Conversation

JUDGE_PREFILL = "The answer is:"
JUDGE_REASONING = "Let's think step by step:"  # how a reasoned turn starts, before JUDGE_PREFILL (§4.1)
JUDGE_CHOICES = (" (A)", " (B)")
JUDGE_OPENING = "Consider the following conversation between a human and an assistant:"
SPEAKERS = {"system": "System", "user": "Human", "assistant": "Assistant"}
JUDGE_QUOTE = "> "

_LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_JOINERS = "\u200c\u200d"  # Persian, the Indic scripts and emoji need them; between ASCII letters they only hide
_IMITATION = re.compile(
    r"""[\s*_#`'"\[-]*                                     # indentation and the marks of emphasis, headings, lists
    ( \( [\s*_]* [ab] [\s*_]* \)                            # an option
    | (options | human | assistant | system) [\s*_]* :      # the list of options, a turn
    | (so \s+)? the \s+ (correct \s+ | best \s+)? answer \s+ is
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def comparison_question(conversation: Conversation, question: str, a: str, b: str) -> str:
    """The user's message to the judge, filled in one pass. ``question`` is the principle's own and is trusted."""
    turns = [f"{SPEAKERS[message.role]}: {neutralise(message.content)}" for message in conversation.messages]
    options = f"{question}\nOptions:\n(A) {neutralise(a)}\n(B) {neutralise(b)}"
    return "\n\n".join([JUDGE_OPENING, *turns, options])


def neutralise(text: str) -> str:
    """``text`` without what could pass for the form around it. Applying it twice changes nothing more.

    Line ends of every kind become ``\\n``. Control characters and invisible formatting (bidirectional marks, zero-width
    characters, tags) go, but for joiners between letters that aren't ASCII. A line that starts like the form, also in
    look-alike characters (full width, enclosed, accented), is quoted.
    """
    if text.isascii() and text.isprintable() and not _IMITATION.match(text):
        return text
    lines = _visible(_LINE_BREAKS.sub("\n", text)).split("\n")
    return "\n".join(JUDGE_QUOTE + line if _IMITATION.match(_skeleton(line)) else line for line in lines)


def _visible(text: str) -> str:
    """``text`` without control and formatting characters."""
    kept: list[str] = []
    for index, character in enumerate(text):
        hidden = character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs"}
        after_letter = bool(kept) and not kept[-1].isascii()
        joins = character in _JOINERS and after_letter and not text[index + 1 : index + 2].isascii()
        if joins or not hidden:
            kept.append(character)
    return "".join(kept)


def _skeleton(line: str) -> str:
    """What ``line`` looks like to a reader who overlooks accents, joiners, width and enclosure."""
    decomposed = unicodedata.normalize("NFKD", line)
    return "".join(character for character in decomposed if unicodedata.category(character) not in {"Mn", "Me", "Cf"})
