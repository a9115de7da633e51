"""A causal language model's module, and how Charter computes with it.

A prompt is *read* (its keys and values are computed, no logits), then *steps* continue it and give logits. Reading is
nearly all of the arithmetic, so it is done in bfloat16 where the hardware multiplies it; steps are bound by memory and
decide the tokens, so they are done in the precision of the weights. Measured on two cores with 3.5M parameters:
bfloat16 makes reading 1.7 times as fast, and steps slower.

Shapes: R rows, T positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from charter.models.rows import Read, Rows

READ_TOKENS = {"cpu": 4096, "cuda": 32768}  # padded tokens read at once: on a CPU, what stays in its caches
ROW_TOKENS = {"cpu": 32768, "cuda": 262144}  # positions kept at once, for prompts and answers
ROW_BYTES = {"cpu": 1 << 30, "cuda": 8 << 30}  # and the memory that they may take


@dataclass(frozen=True, slots=True)
class Network:
    """``module`` is a Transformers causal LM. ``exact``: prompts too are read in the precision of the weights."""

    module: torch.nn.Module
    exact: bool = False

    @property
    def weight(self) -> Tensor:
        """One of the weights, which tells device and dtype."""
        return next(self.module.parameters())

    @property
    def config(self) -> Any:
        """The configuration of the part that reads text."""
        return cast("Any", self.module.config).get_text_config()

    def row_budget(self) -> int:
        """How many positions may be kept at once."""
        heads = getattr(self.config, "num_key_value_heads", None) or self.config.num_attention_heads
        width = getattr(self.config, "head_dim", None) or self.config.hidden_size // self.config.num_attention_heads
        bytes_each = 2 * self.config.num_hidden_layers * heads * width * self.weight.element_size()
        kind = self.weight.device.type
        return max(1, min(ROW_TOKENS.get(kind, ROW_TOKENS["cpu"]), ROW_BYTES.get(kind, ROW_BYTES["cpu"]) // bytes_each))

    @contextmanager
    def evaluating(self) -> Generator[None]:
        """Without gradients, dropout or the caller's autocast. The module's mode is put back."""
        training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode(), torch.autocast(self.weight.device.type, enabled=False):
                yield
        finally:
            self.module.train(training)

    def read(self, prompts: Sequence[Sequence[int]], copies: Sequence[int], room: int) -> Rows:
        """Rows that begin with ``prompts``, the i-th ``copies[i]`` times, and have ``room`` positions to go on.

        However many copies, a prompt is read once. Prompts of like length should stand together. A prompt may be empty.
        """
        budget = READ_TOKENS.get(self.weight.device.type, READ_TOKENS["cpu"])
        read = [self._read(part) for part in _parts(prompts, budget)]
        return Rows.assemble(read, copies, room, like=self.weight)

    def step(self, rows: Rows, tokens_RT: Tensor) -> Tensor:
        """Logits (R T V, float32) after each of ``tokens_RT``, which are put onto the ends of ``rows``."""
        end = rows.length + tokens_RT.shape[1]
        columns_T = torch.arange(end, device=tokens_RT.device)
        output = self.module(
            input_ids=tokens_RT,
            attention_mask=(columns_T >= rows.starts_R[:, None]).long(),
            position_ids=columns_T[rows.length :] - rows.starts_R[:, None],
            past_key_values=rows.cache,
            use_cache=True,
        )
        rows.length = end
        return output.logits.float()

    def _read(self, prompts: Sequence[Sequence[int]]) -> Read:
        """Right-padded, so that causality alone keeps the padding out and no mask is needed."""
        lengths = [len(prompt) for prompt in prompts]
        if not any(lengths):
            return Read(lengths, [], [])
        longest = max(lengths)
        padded = [[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts]
        cache = Cache(layer_class_to_replicate=DynamicLayer)
        device = self.weight.device
        faster = not self.exact and self.weight.dtype == torch.float32 and has_bfloat16(device)
        # Without autocast's own cache: what it keeps from here could not be used in a training step around it.
        with torch.autocast(device.type, torch.bfloat16, enabled=faster, cache_enabled=False):
            tokens_RT = torch.tensor(padded, device=device)
            self.module(input_ids=tokens_RT, past_key_values=cache, use_cache=True, logits_to_keep=1)
        layers = cast("list[Any]", cache.layers)
        return Read(lengths, [layer.keys for layer in layers], [layer.values for layer in layers])


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _parts(prompts: Sequence[Sequence[int]], budget: int) -> list[Sequence[Sequence[int]]]:
    """``prompts`` in order, cut into parts of at most ``budget`` padded tokens each (one prompt may exceed it)."""
    parts: list[Sequence[Sequence[int]]] = []
    begin, longest = 0, 0
    for index, prompt in enumerate(prompts):
        wider = max(longest, len(prompt))
        if longest and wider * (index + 1 - begin) > budget:  # a part has some token, to show the layers' shapes
            parts.append(prompts[begin:index])
            begin, wider = index, len(prompt)
        longest = wider
    return [*parts, prompts[begin:]]
