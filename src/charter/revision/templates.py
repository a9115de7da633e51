"""What the model is shown when it critiques and revises: worked examples first, then the turns of §3.1.

The turns themselves stand in ``charter.revision_form``.
"""

from __future__ import annotations

from charter.digests import digest_of
from charter.errors import ConstitutionError
from charter.revision_form import revision_messages
from charter.transcript import conversation_from
from charter.types import Constitution, Conversation, Message, RevisionExample


def worked_examples(constitution: Constitution, count: int) -> tuple[RevisionExample, ...]:
    """The constitution's first ``count`` examples. Raises ``ConstitutionError`` if it has fewer."""
    available = len(constitution.revision_examples)
    if count > available:
        raise ConstitutionError(
            f"revision.few_shot asks for {count} worked examples; constitution {constitution.name!r} has {available}",
            f"Lower revision.few_shot to {available}, or add examples to the constitution under revision_examples.",
        )
    return constitution.revision_examples[:count]


def with_examples(conversation: Conversation, examples: tuple[RevisionExample, ...]) -> Conversation:
    """The conversation with the examples played out before it, after its system message if it has one."""
    opening = conversation.messages[:1] if conversation.messages[0].role == "system" else ()
    shown = tuple(message for example in examples for message in _played_out(example))
    return Conversation((*opening, *shown, *conversation.messages[len(opening) :]))


def template_digest(examples: tuple[RevisionExample, ...]) -> str:
    """The identity of everything that is shown beside the conversation and the principle."""
    conversation = with_examples(Conversation.of("{prompt}"), examples)
    return digest_of(revision_messages(conversation, "{response}", "{critique request}", "{critique}", "{request}"))


def _played_out(example: RevisionExample) -> tuple[Message, ...]:
    asked = revision_messages(
        conversation_from(example.prompt),
        example.response,
        example.critique_request,
        example.critique,
        example.revision_request,
    )
    return (*asked, Message("assistant", example.revision))
