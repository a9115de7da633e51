"""Text as it stands, without a chat template: its tokens, and the text of each token.

Control tokens written in such a text are control tokens: whoever sends raw text writes the template themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from transformers import PreTrainedTokenizerBase

from charter.models.rendering import ANCHOR_TOKENS, encode


def raw_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """The tokens of ``text``, behind the token that begins a text if the tokenizer puts one there by itself.

    A text that begins with it already gets no second one. An empty text is that token, or the one that ends a text.
    """
    tokens = encode(tokenizer, [text])[0]
    by_itself = cast("list[int]", tokenizer("")["input_ids"])
    begin = cast("int | None", tokenizer.bos_token_id)
    if begin is not None and by_itself[:1] == [begin] and tokens[:1] != [begin]:
        tokens = [begin, *tokens]
    if tokens:
        return tokens
    end = cast("int | None", tokenizer.eos_token_id)
    return [token for token in (begin, end) if token is not None][:1]


def token_texts(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int], start: int = 0) -> list[str]:
    """The text of each token from ``start`` on, special tokens by their names.

    Each is decoded in its place, so that a space which belongs to it is kept. A token that holds a part of a character
    gives the replacement character.
    """
    return [token_text(tokenizer, tokens[:index], token) for index, token in enumerate(tokens) if index >= start]


def token_text(tokenizer: PreTrainedTokenizerBase, before: Sequence[int], token: int) -> str:
    """The text of ``token`` as what follows ``before``."""
    anchor = list(before[-ANCHOR_TOKENS:])
    base, whole = _named(tokenizer, anchor), _named(tokenizer, [*anchor, token])
    return whole[len(base) :] if anchor and whole.startswith(base) else _named(tokenizer, [token])


def _named(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    text = tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return cast("str", text)
