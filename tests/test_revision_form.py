from __future__ import annotations

from charter.revision_form import critique_messages, revision_messages
from charter.types import Conversation, Message


def test_each_request_is_a_users_turn_and_holds_the_principles_words_alone() -> None:
    asked = revision_messages(Conversation.of("Hi"), "Go away.", "What is wrong?", "It is rude.", "Rewrite it.")
    assert asked == (
        Message("user", "Hi"),
        Message("assistant", "Go away."),
        Message("user", "What is wrong?"),
        Message("assistant", "It is rude."),
        Message("user", "Rewrite it."),
    )
    assert critique_messages(Conversation.of("Hi"), "Go away.", "What is wrong?") == asked[:3]
