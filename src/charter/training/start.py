"""What a stage starts from: the network and tokenizer of a model folder, ready to train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from charter.models.folder import ModelFolder
from charter.models.local import LocalModel
from charter.models.memory import require_memory
from charter.models.rendering import answer_span, chat_format
from charter.recipe import Training
from charter.training.batches import WeightedTokens
from charter.training.quiet import without_progress_bar
from charter.types import Message

PLAIN_CONTEXT = 1024  # tokens
TRAINING_BYTES = 16  # a number: weight, gradient and AdamW's two moments, each in float32


@dataclass(frozen=True, slots=True)
class Start:
    """A causal language model in float32, in which AdamW keeps small updates, whatever type its folder stores.

    ``context_tokens`` is the longest sequence that it takes.
    """

    folder: Path
    digest: str
    module: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    context_tokens: int

    @classmethod
    def load(cls, folder: Path, settings: Training | None = None) -> Start:
        """Raises ``ModelError`` for a folder that isn't a usable model, or one too large to train here.

        Weights that adapters will leave as they are stay in the type in which the folder stores them.
        """
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        whole = settings is None or settings.lora is None
        found = ModelFolder.check(folder)
        require_memory(found, TRAINING_BYTES if whole else None, device, "train")
        with without_progress_bar():
            model = LocalModel.load(found, exact=whole)
        module = cast("PreTrainedModel", model.module.float() if whole else model.module)
        attend_plainly(module, model.context_tokens)
        return cls(folder, model.digest, module.eval(), model.tokenizer, model.context_tokens)

    @property
    def pad_token(self) -> int:
        return pad_token(self.tokenizer)

    def answered(self, messages: Sequence[Message], answer: str) -> WeightedTokens:
        """A conversation and its answer, the loss on the answer and the token that ends it."""
        span = answer_span(self.tokenizer, messages, answer)
        return WeightedTokens.answer(span.tokens, span.start, len(span.tokens))


def attend_plainly(module: PreTrainedModel, context_tokens: int) -> None:
    """Takes the plain attention for short contexts on a CPU.

    The fused kernel's backward pass is slow there: with it a step on rows of 60 to 250 tokens took 1.4 times as long.
    Past ``PLAIN_CONTEXT``, the plain one's memory, which grows with the square of the length, would be what counts.
    """
    if not torch.cuda.is_available() and context_tokens <= PLAIN_CONTEXT:
        module.set_attn_implementation("eager")


def pad_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """What rows are padded with. Nothing reads it, so a tokenizer without a padding token pads with its end of turn."""
    padding = cast("int | None", tokenizer.pad_token_id)
    return chat_format(tokenizer).end_token if padding is None else padding
