"""A folder that ``datasets.load_dataset`` and the Hub read as it is: Parquet by configuration, and a data card.

``preference`` and ``sft`` have TRL's columns, ``prompts`` the prompts of both sides; all with where they came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from charter.export.source import Example, Pair, Source, Tally
from charter.export.trl import example_row, pair_row
from charter.export.write import MESSAGES, Row, messages_of, write_parquet
from charter.stage_names import PROMPTS
from charter.types import Prompt

_TEXT = pa.string()
PREFERENCE = pa.schema(
    [
        *((name, MESSAGES) for name in ("prompt", "chosen", "rejected")),
        ("id", _TEXT),
        ("probability", pa.float64()),
        ("tied", pa.bool_()),
        ("kind", _TEXT),
        ("category", _TEXT),
        ("chosen_is_a", pa.bool_()),
        ("principles", pa.list_(_TEXT)),
        ("inconsistency", pa.float64()),
        ("judge", _TEXT),
        ("model", _TEXT),
        ("prompt_id", _TEXT),
    ]
)
SFT = pa.schema(
    [
        *((name, MESSAGES) for name in ("prompt", "completion")),
        *((name, _TEXT) for name in ("id", "source", "kind", "category", "prompt_id")),
    ]
)
PROMPT = pa.schema(
    [("prompt", MESSAGES), *((name, _TEXT) for name in ("id", "kind", "category", "source"))],
)
USE = """```python
from datasets import load_dataset
load_dataset(".", "preference")    # and "sft", "prompts"
```"""


def export_datasets(source: Source, folder: Path, tally: Tally) -> str:
    """Writes a folder a configuration, as far as the run has come; returns how they are used."""
    if source.has_labels:
        write_parquet(folder / path_of("preference"), map(_pair_row, source.pairs(tally)), PREFERENCE)
    if source.has_revisions:
        write_parquet(folder / path_of("sft"), map(_example_row, source.examples(tally)), SFT)
    for split in ("train", "evaluation"):
        write_parquet(folder / path_of("prompts", split), _prompt_rows(source, split, tally), PROMPT)
    return USE


def path_of(configuration: str, split: str = "train") -> str:
    return f"{configuration}/{split}-00000-of-00001.parquet"


def _pair_row(pair: Pair) -> Row:
    label = pair.label
    return {
        **pair_row(pair),
        "chosen_is_a": pair.tied or (label.p_a or 0.0) >= 0.5,
        "principles": list(dict.fromkeys(judgement.principle_id for judgement in label.judgements)),
        "inconsistency": label.inconsistency,
        "judge": next((judgement.judge for judgement in label.judgements), None),
        "model": label.comparison.a.model,
        "prompt_id": pair.prompt.id,
    }


def _example_row(example: Example) -> Row:
    return {**example_row(example), "prompt_id": example.prompt.id}


def _prompt_rows(source: Source, split: str, tally: Tally) -> Iterator[Row]:
    for prompt in source.run.stage(PROMPTS).read(Prompt):
        if prompt.split == split:
            tally[f"prompts, {split}"] += 1
            about = {"id": prompt.id, "kind": prompt.kind, "category": prompt.category, "source": prompt.source}
            yield {"prompt": messages_of(prompt.conversation.messages), **about}
