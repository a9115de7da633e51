"""Turns of a conversation from what prompt files hold: transcripts, lists of messages, bare text.

A prompt ends on the user's side: what an assistant said after that is an answer, and is cut off. Empty turns are left
out and neighbours of one side joined, because chat templates want the sides to alternate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from charter.types import Conversation, Message, Role

_MARK = re.compile(r"\n\n(Human|Assistant):")
_ROLES: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}


def is_transcript(text: str) -> bool:
    """Whether the text is in the form of Anthropic's HH data: turns opened by "\\n\\nHuman:" and "\\n\\nAssistant:"."""
    return text.startswith(("\n\nHuman:", "\n\nAssistant:"))


def turns_of_transcript(text: str) -> tuple[Message, ...]:
    """The turns as they stand, text before the first mark left out."""
    parts = _MARK.split(text)
    return tuple(Message(_ROLES[mark], said.strip()) for mark, said in zip(parts[1::2], parts[2::2], strict=True))


def shared_turns(chosen: Sequence[Message], rejected: Sequence[Message]) -> tuple[Message, ...]:
    """The turns that two transcripts have in common from the start."""
    length = 0
    for one, other in zip(chosen, rejected, strict=False):
        if one != other:
            break
        length += 1
    return tuple(chosen[:length])


def conversation_from(turns: Iterable[Message]) -> Conversation | str:
    """What there is to answer, or the reason why nothing is."""
    said = [Message(turn.role, turn.content.strip()) for turn in turns if turn.content.strip()]
    while said and said[-1].role == "assistant":
        said.pop()
    joined = _joined(said)
    if not joined or joined[-1].role != "user":
        return "no user turn"
    roles = [turn.role for turn in joined]
    if "system" in roles[1:]:
        return "a system message after the start"
    if roles[0] == "assistant" or roles[:2] == ["system", "assistant"]:
        return "the assistant speaks first"
    if any(_is_broken(turn.content) for turn in joined):
        return "holds half a character (a lone surrogate)"
    return Conversation(tuple(joined))


def _joined(turns: Sequence[Message]) -> list[Message]:
    by_role = [list(same) for _, same in groupby(turns, key=lambda turn: turn.role)]
    return [Message(same[0].role, "\n\n".join(turn.content for turn in same)) for same in by_role]


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
