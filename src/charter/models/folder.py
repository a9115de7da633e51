"""A Hugging Face model folder, looked at before anything is loaded from it.

A folder of a model holds its weights in safetensors (a pickle can run code, so it is never opened), ``config.json``, a
tokenizer and a chat template. Nothing in it is executed: ``trust_remote_code`` is never set, and a folder that needs
Python code of its own is refused here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from charter.digests import digest_of_files
from charter.errors import ModelError

WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")
TOKENIZERS = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"), ("vocab.txt",))
TEMPLATE = "chat_template.jinja"
SETTINGS = (
    "config.json",
    "generation_config.json",  # says which tokens end an answer
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    TEMPLATE,
    WEIGHTS_INDEX,
)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that has all that a model needs. ``digest`` is that of the files that decide its answers.

    ``weights`` names its weight files.
    """

    path: Path
    digest: str
    weights: tuple[str, ...] = ()

    @classmethod
    def check(cls, path: Path | str) -> ModelFolder:
        """Raises ``ModelError`` for a folder that is missing, or that lacks weights, tokenizer or chat template."""
        folder = Path(path)
        if not folder.is_dir():
            raise ModelError(
                f"there is no model folder {str(path)!r}",
                "Name a folder with config.json, *.safetensors, a tokenizer and a chat template, or 'world'.",
            )
        config = _read_json(folder, "config.json")
        if "auto_map" in config:
            raise ModelError(
                f"the model in {folder} needs Python code of its own, which Charter never runs",
                "Use a model whose architecture Transformers knows.",
            )
        weights = _weight_files(folder)
        _require_tokenizer(folder)
        _require_chat_template(folder)
        settings = [name for name in SETTINGS if (folder / name).is_file()]
        return cls(folder, digest_of_files(folder, [*weights, *settings]), tuple(weights))


def _weight_files(folder: Path) -> list[str]:
    """The names of the weight files. With an index, those that it lists, each of which must be there."""
    if (folder / WEIGHTS_INDEX).is_file():
        listed = _read_json(folder, WEIGHTS_INDEX).get("weight_map")
        names: set[str] = set()
        if isinstance(listed, dict):
            names = {str(name) for name in cast("dict[str, Any]", listed).values()}
        missing = sorted(name for name in names if not (folder / name).is_file())
        if missing or not names:
            raise ModelError(
                f"the model folder {folder} lacks weights: {WEIGHTS_INDEX} lists {', '.join(missing) or 'none'}",
                "Copy the whole model again.",
            )
        return sorted(names)
    if (folder / "model.safetensors").is_file():
        return ["model.safetensors"]
    if any(True for pattern in PICKLED for _ in folder.glob(pattern)):
        raise ModelError(
            f"the model folder {folder} has its weights only as a pickle, which could run code and is not opened",
            "Save the model with safetensors: model.save_pretrained(folder).",
        )
    raise ModelError(
        f"the model folder {folder} has no weights (model.safetensors, or shards with {WEIGHTS_INDEX})",
        "Save the model there with model.save_pretrained(folder).",
    )


def _require_tokenizer(folder: Path) -> None:
    if not any(all((folder / name).is_file() for name in names) for names in TOKENIZERS):
        raise ModelError(
            f"the model folder {folder} has no tokenizer (tokenizer.json, tokenizer.model or a vocabulary)",
            "Save it there with tokenizer.save_pretrained(folder).",
        )


def _require_chat_template(folder: Path) -> None:
    if (folder / TEMPLATE).is_file():
        return
    config = "tokenizer_config.json"
    if (folder / config).is_file() and _read_json(folder, config).get("chat_template"):
        return
    raise ModelError(
        f"the model folder {folder} has no chat template, so Charter can't tell how it is spoken to",
        f"Use an instruction-tuned model, or add the template as {TEMPLATE} to the folder.",
    )


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    """Raises ``ModelError`` for a file that is missing or isn't a JSON object."""
    file = folder / name
    if not file.is_file():
        raise ModelError(
            f"the model folder {folder} has no {name}", "Save the model with model.save_pretrained(folder)."
        )
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, OSError) as error:
        raise ModelError(f"{file} can't be read as JSON: {error}", "Copy the model again.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{file} isn't a JSON object", "Copy the model again.")
    return cast("dict[str, Any]", value)
