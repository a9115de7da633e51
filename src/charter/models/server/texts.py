"""Turns as one text, for the completions endpoint: by the model's own chat template, or plainly for a base model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from charter.errors import ModelError
from charter.types import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SPEAKERS = {"system": "System", "user": "Human", "assistant": "Assistant"}
QUOTE = "> "
_IMITATION = re.compile(r"^(?=[^\S\n]*(?:Human|Assistant|System)\s*:)", re.MULTILINE | re.IGNORECASE)


class Rendering(Protocol):
    """How turns become the text that the assistant goes on with."""

    @property
    def stop(self) -> tuple[str, ...]:
        """What ends an answer, besides the model's own end."""
        ...

    def text(self, messages: Sequence[Message], prefill: str) -> str: ...

    def choice(self, choice: str, prefill: str) -> str:
        """A choice as it stands after that text."""
        ...

    def count(self, messages: Sequence[Message]) -> int | None:
        """The length in tokens; None if nobody here can count them."""
        ...


class PlainTurns:
    """``Human:`` and ``Assistant:`` turns, parted by blank lines (CAI §3.1, its base models)."""

    stop = ("\n\nHuman:",)

    def text(self, messages: Sequence[Message], prefill: str) -> str:
        """A line within a turn that imitates the start of one is quoted."""
        turns = [f"{SPEAKERS[turn.role]}: {_IMITATION.sub(QUOTE, turn.content).strip()}" for turn in messages]
        start = f" {prefill}" if prefill else ""
        return "\n\n".join([*turns, f"Assistant:{start}"])

    def choice(self, choice: str, prefill: str) -> str:
        return choice if prefill else f" {choice.lstrip()}"

    def count(self, messages: Sequence[Message]) -> int | None:
        del messages
        return None


class TemplateTurns:
    """The turns as the served model's own tokenizer folder renders them: exactly as the same model does here."""

    stop = ()

    def __init__(self, folder: str) -> None:
        """Raises ``ModelError`` for a folder whose tokenizer or template can't be used."""
        from charter.models.rendering import chat_format

        self._tokenizer = _load_tokenizer(folder)
        self._lead = chat_format(self._tokenizer).lead
        self._begin = str(self._tokenizer.bos_token or "")

    def text(self, messages: Sequence[Message], prefill: str) -> str:
        """Without the begin-of-text token: servers put it first themselves."""
        from charter.models.rendering import render_text

        text = render_text(self._tokenizer, messages, prefill)
        return text.removeprefix(self._begin) if self._begin else text

    def choice(self, choice: str, prefill: str) -> str:
        return choice if prefill else self._lead + choice

    def count(self, messages: Sequence[Message]) -> int | None:
        from charter.models.rendering import render_tokens

        asks = messages[-1].role != "assistant"
        return len(render_tokens(self._tokenizer, messages, for_generation=asks))


def _load_tokenizer(folder: str) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain Exception for a broken file
        raise ModelError(
            f"the tokenizer in {folder} can't be loaded: {error}", "Save it there with tokenizer.save_pretrained."
        ) from error
