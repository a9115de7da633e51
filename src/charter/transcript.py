"""Conversations written as text, as a constitution's worked examples give them.

A text that starts with "Human:" is a transcript: turns marked "Human:" and "Assistant:", parted by blank lines, the
last one the human's. Any other text is a single turn of the human's.
"""

from __future__ import annotations

import re

from charter.errors import ConstitutionError
from charter.types import Conversation, Message

_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):")


def conversation_from(text: str) -> Conversation:
    """The conversation that ``text`` gives. Raises ``ConstitutionError`` if it ends on the assistant's turn."""
    if not text.startswith("Human:"):
        return Conversation.of(text)
    pieces = _TURN.split(text)
    turns = [
        Message("user" if speaker == "Human" else "assistant", content.strip())
        for speaker, content in zip(pieces[1::2], pieces[2::2], strict=True)
    ]
    if turns[-1].role != "user":
        raise ConstitutionError(
            f"a worked example's conversation ends on the assistant's turn: {text[-60:]!r}",
            'End it with a "Human:" turn: what the assistant answers is given apart.',
        )
    return Conversation(tuple(turns))
