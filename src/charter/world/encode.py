"""Documents of the corpus as weighted tokens: what is learnt in full, a little, or not at all."""

from __future__ import annotations

from random import Random

import numpy as np
from transformers import PreTrainedTokenizerFast

from charter.training import WeightedTokens
from charter.world.corpus import Document
from charter.world.tokenizer import BEGIN, END

LETTER_WEIGHT = 8.0  # one token carries all that a choice teaches
USER_WEIGHT = 0.2  # what users write is learnt a little, and only ...
USER_SHARE = 0.25  # ... this share of its tokens, since each costs a projection onto the vocabulary


class Encoder:
    """Turns documents into tokens, exactly as the chat template would."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._backend = tokenizer.backend_tokenizer
        ids = {name: tokenizer.get_vocab()[f"<|{name}|>"] for name in ("system", "user", "assistant")}
        self._roles = ids
        self._begin = tokenizer.get_vocab()[BEGIN]
        self._end = tokenizer.get_vocab()[END]

    def encode(self, documents: list[Document], rng: Random) -> list[WeightedTokens]:
        """Answers that a document only quotes carry no loss: they are of all sorts, the model's own are not to be."""
        texts = [message.content for document in documents for message in document.messages]
        pieces = iter(self._backend.encode_batch(texts, add_special_tokens=False))
        rows: list[WeightedTokens] = []
        for document in documents:
            tokens, weights = [self._begin], [0.0]
            for index, message in enumerate(document.messages):
                piece: list[int] = next(pieces).ids
                tokens += [self._roles[message.role], *piece, self._end]
                if index in document.learnt:
                    weights += [0.0, *[1.0] * (len(piece) + 1)]
                elif message.role == "user":
                    weights += [0.0, *(USER_WEIGHT * (rng.random() < USER_SHARE) for _ in piece), USER_WEIGHT]
                else:
                    weights += [0.0] * (len(piece) + 2)
            if document.letter:
                weights[-3] = LETTER_WEIGHT  # "... (A)" ends in: " (", "A", ")", end of turn
            rows.append(WeightedTokens(np.asarray(tokens, dtype=np.int32), np.asarray(weights, dtype=np.float32)))
        return rows
