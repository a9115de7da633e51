"""A trained preference model at work: it scores answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from charter.models.folder import ModelFolder
from charter.models.memory import in_halves
from charter.models.rendering import answer_span
from charter.preference.network import scores
from charter.training import WeightedTokens, collate, pack, pad_token, start_accelerator, without_progress_bar
from charter.types import Message

BATCH_TOKENS = 4096  # padded: on a CPU, what stays in its caches


class PreferenceScorer:
    """Scores (conversation, answer) pairs: a higher score is preferred, and only differences mean something."""

    def __init__(
        self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, digest: str, accelerator: Accelerator
    ) -> None:
        self.digest = digest
        self._network = network
        self._tokenizer = tokenizer
        self._accelerator = accelerator

    @classmethod
    def load(cls, folder: Path) -> PreferenceScorer:
        """Loads a preference model's folder. Raises ``ModelError`` for one that isn't usable."""
        found = ModelFolder.check(folder)
        accelerator = start_accelerator()
        with without_progress_bar():
            network = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True
            )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        ready = cast("PreTrainedModel", network.eval().to(accelerator.device))
        return cls(ready, tokenizer, found.digest, accelerator)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self._tokenizer

    @property
    def context_tokens(self) -> int:
        """The longest row that it takes."""
        return int(self._network.config.get_text_config().max_position_embeddings)

    def score(self, answers: Sequence[tuple[Sequence[Message], str]]) -> list[float]:
        """The score of each answer to its conversation, in order."""
        return self.score_tokens([answer_span(self._tokenizer, messages, text).tokens for messages, text in answers])

    def score_tokens(self, conversations: Sequence[Sequence[int]]) -> list[float]:
        """The score of each conversation with its answer, as tokens, the last of which ends a turn."""
        rows = [WeightedTokens.unweighted(tokens) for tokens in conversations]
        found = [0.0] * len(rows)
        for batch in pack(range(len(rows)), [len(row) for row in rows], BATCH_TOKENS):
            scored = in_halves([rows[index] for index in batch], self._score_batch)
            for index, value in zip(batch, scored, strict=True):
                found[index] = value
        return found

    def _score_batch(self, rows: Sequence[WeightedTokens]) -> list[float]:
        tokens = collate(rows, pad_token(self._tokenizer)).to(self._accelerator.device)
        with torch.no_grad(), self._accelerator.autocast():
            return scores(self._network, tokens).tolist()
