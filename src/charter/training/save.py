"""Writes a trained model as a Hugging Face folder: weights, configuration, tokenizer, chat template and a card.

The same weights give the same bytes, wherever the folder lies.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch.nn import Module
from transformers import PreTrainedModel

from charter.training.disk import committed_folder
from charter.training.quiet import without_progress_bar

# Copied from the start as they are: training changes none, and saving a tokenizer anew adds traces of its loading.
COPIED = (
    "tokenizer*",
    "*.jinja",
    "vocab*",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "generation_config.json",
    "LICENSE*",
    "NOTICE*",
)


def save_model_folder(module: PreTrainedModel, start: Path, folder: Path, card: str) -> None:
    """Writes ``folder``, whole or not at all: ``module``'s weights, in the type in which ``start`` stores them.

    ``card`` becomes its README.md. ``module`` is left in that type. Raises ``StorageError`` when the disk refuses.
    """
    Module.to(module, dtype=stored_dtype(start))
    with committed_folder(folder) as unfinished, without_progress_bar():
        module.save_pretrained(unfinished)
        for pattern in COPIED:
            for path in sorted(start.glob(pattern)):
                shutil.copyfile(path, unfinished / path.name)
        (unfinished / "README.md").write_text(card, encoding="utf-8")


def stored_dtype(start: Path) -> torch.dtype:
    """The type of a model folder's weights, by its configuration; float32 if that doesn't say."""
    config = json.loads((start / "config.json").read_text(encoding="utf-8"))
    name = config.get("dtype") or config.get("torch_dtype") or "float32"
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def model_card(title: str, purpose: str, facts: Mapping[str, object]) -> str:
    """The text of a model card: what it is for, and what it was trained on, a line a fact."""
    lines = [f"* {name}: {value}" for name, value in facts.items()]
    return "\n".join(["---", "library_name: transformers", "---", "", f"# {title}", "", purpose, "", *lines, ""])
