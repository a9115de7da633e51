"""The keys and values of a batch of rows that are being continued, kept so that a step copies nothing.

Transformers' own cache joins old and new at each step, which on a CPU costs more than the arithmetic of a small model.
Here each layer has one buffer with room for what is to come, and a step writes into it. All rows end at the same
column, so that the next token of each goes into the next one; shorter rows begin later, behind columns that are masked.
Every layer keeps all positions: a sliding window is left to the mask.

Shapes: R rows, T columns, H heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer


class RowsLayer(DynamicLayer):
    """One layer's buffers (R H T D) of ``columns`` columns, of which the first ``filled`` are in use."""

    def __init__(self, columns: int, keys: Tensor | None = None, values: Tensor | None = None, filled: int = 0) -> None:
        super().__init__()
        self.columns, self.filled = columns, filled
        self.keys, self.values = keys, values
        self.is_initialized = keys is not None

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """Writes the new columns behind the filled ones, and gives all of them."""
        if self.keys is None or self.values is None:
            self.keys, self.values = self._buffer(key_states), self._buffer(value_states)
            self.is_initialized = True
        begin, end = self.filled, self.filled + key_states.shape[2]
        self.keys[:, :, begin:end] = key_states
        self.values[:, :, begin:end] = value_states
        self.filled = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        return self.filled

    def keep(self, rows: Tensor, drop: int) -> None:
        """Keeps only ``rows``, without their first ``drop`` columns."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self._kept(self.keys, rows, drop), self._kept(self.values, rows, drop)
        self.columns, self.filled = self.columns - drop, self.filled - drop

    def _buffer(self, like: Tensor) -> Tensor:
        rows, heads, _, width = like.shape
        return like.new_empty(rows, heads, self.columns, width)

    def _kept(self, buffer: Tensor, rows: Tensor, drop: int) -> Tensor:
        """A smaller buffer; the columns not yet in use are not copied."""
        _, heads, columns, width = buffer.shape
        kept = buffer.new_empty(len(rows), heads, columns - drop, width)
        kept[:, :, : self.filled - drop] = buffer[rows, :, drop : self.filled]
        return kept


@dataclass(frozen=True, slots=True)
class Read:
    """Prompts read together, right-padded: their lengths, and keys and values (R H T D) a layer."""

    lengths: list[int]
    keys: list[Tensor]
    values: list[Tensor]


@dataclass(slots=True)
class Rows:
    """Rows under way. Row r's tokens stand in the columns from ``starts_R[r]`` up to ``length``."""

    cache: Cache
    starts_R: Tensor
    length: int

    @classmethod
    def assemble(cls, read: Sequence[Read], copies: Sequence[int], room: int, like: Tensor) -> Rows:
        """Rows that begin with the prompts of ``read``, the i-th ``copies[i]`` times, with ``room`` columns to go on.

        ``like`` gives dtype and device.
        """
        lengths = [length for part in read for length in part.lengths]
        longest = max(lengths)
        starts = [longest - length for length, count in zip(lengths, copies, strict=True) for _ in range(count)]
        starts_R = torch.tensor(starts, device=like.device)
        if longest == 0:  # nothing was read, so that the layers' shapes show at the first step
            return cls(Cache(layer_class_to_replicate=cast("Any", partial(RowsLayer, room))), starts_R, 0)
        layers: list[Any] = []
        for index in range(len(read[0].keys)):
            keys = _laid_out([part.keys[index] for part in read], lengths, copies, room, like)
            values = _laid_out([part.values[index] for part in read], lengths, copies, room, like)
            layers.append(RowsLayer(longest + room, keys, values, filled=longest))
        return cls(Cache(layers=layers), starts_R, longest)

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all other rows, and the columns that no remaining row uses."""
        chosen = torch.tensor(rows, device=self.starts_R.device)
        starts_R = self.starts_R[chosen]
        drop = int(starts_R.min())
        for layer in cast("list[RowsLayer]", self.cache.layers):
            layer.keep(chosen, drop)
        self.starts_R, self.length = starts_R - drop, self.length - drop


def _laid_out(
    parts: Sequence[Tensor], lengths: Sequence[int], copies: Sequence[int], room: int, like: Tensor
) -> Tensor:
    """One buffer of all prompts, each as often as it has copies, ending at one column with ``room`` behind it.

    The columns before a prompt are zeros: masked, they must still be finite.
    """
    longest = max(lengths)
    heads, width = parts[0].shape[1], parts[0].shape[3]
    buffer = torch.empty(sum(copies), heads, longest + room, width, dtype=like.dtype, device=like.device)
    row = 0
    prompts = (prompt_HTD for part in parts for prompt_HTD in part)
    for prompt_HTD, length, count in zip(prompts, lengths, copies, strict=True):
        buffer[row : row + count, :, : longest - length] = 0
        buffer[row : row + count, :, longest - length : longest] = prompt_HTD[:, :length]
        row += count
    return buffer
