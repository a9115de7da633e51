from __future__ import annotations

import pytest

from charter.errors import ConstitutionError
from charter.transcript import conversation_from
from charter.types import Conversation, Message


def test_bare_text_is_one_turn_of_the_humans() -> None:
    text = "Is this right?\n\nAssistant: is a word that I use."
    assert conversation_from(text) == Conversation.of(text)


def test_a_transcript_is_split_into_its_turns() -> None:
    text = "Human: Hi\n\nAssistant: Hello,\n\nfriend. Human: no turn\n\nHuman: Bye"
    assert conversation_from(text).messages == (
        Message("user", "Hi"),
        Message("assistant", "Hello,\n\nfriend. Human: no turn"),
        Message("user", "Bye"),
    )


def test_a_transcript_that_ends_on_the_assistants_turn_is_the_users_mistake() -> None:
    with pytest.raises(ConstitutionError, match="ends on the assistant's turn"):
        conversation_from("Human: Hi\n\nAssistant: Hello")
