"""The turns in which a model critiques and revises its own answer (CAI §3.1).

Both the revision stage, which asks, and the small world, whose model learns to be asked, take them from here. Each
request is a user's turn of its own and holds the principle's words and nothing else::

    conversation (ends on the user's side)
    assistant: the response
    user:      the principle's critique request
    assistant: the critique                          <- asked for first
    user:      the principle's revision request
    assistant: the revised response                  <- asked for next

Departure: the paper marks these turns "CritiqueRequest:", "Critique:", "RevisionRequest:" and "Revision:" in plain text
for a base model; here they are chat turns, so that a chat model sees its own template.
"""

from __future__ import annotations

from charter.types import Conversation, Message


def critique_messages(conversation: Conversation, response: str, critique_request: str) -> tuple[Message, ...]:
    """What is answered with a critique of ``response``."""
    return (*conversation.answered(response), Message("user", critique_request))


def revision_messages(
    conversation: Conversation, response: str, critique_request: str, critique: str, revision_request: str
) -> tuple[Message, ...]:
    """What is answered with the revised response."""
    return (
        *critique_messages(conversation, response, critique_request),
        Message("assistant", critique),
        Message("user", revision_request),
    )
