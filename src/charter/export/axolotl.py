"""Axolotl: ``chat_template`` data for SFT, ``chat_template.default`` data for DPO.

In SFT every assistant's turn would be learnt, also those of the prompt; ``train`` says that only the last one is
(``message_field_training``).
"""

from __future__ import annotations

from pathlib import Path

from charter.export.rows import about_example, about_pair
from charter.export.source import Example, Pair, Source, Tally
from charter.export.write import Row, assistant, messages_of, write_json_lines

USE = """```yaml
# fine-tuning
datasets:
  - path: sft.jsonl
    ds_type: json
    type: chat_template
    field_messages: messages
    message_field_training: train
    roles_to_train: []
---
# direct preference optimisation
rl: dpo
datasets:
  - path: preference.jsonl
    ds_type: json
    type: chat_template.default
    field_messages: messages
    field_chosen: chosen
    field_rejected: rejected
```"""


def export_axolotl(source: Source, folder: Path, tally: Tally) -> str:
    """Writes ``preference.jsonl`` and ``sft.jsonl``, as far as the run has come; returns how they are used."""
    if source.has_labels:
        write_json_lines(folder / "preference.jsonl", map(_pair_row, source.pairs(tally)))
    if source.has_revisions:
        write_json_lines(folder / "sft.jsonl", map(_example_row, source.examples(tally)))
    return USE


def _pair_row(pair: Pair) -> Row:
    return {
        "messages": messages_of(pair.prompt.conversation.messages),
        "chosen": assistant(pair.chosen),
        "rejected": assistant(pair.rejected),
        **about_pair(pair),
    }


def _example_row(example: Example) -> Row:
    context = [{**turn, "train": False} for turn in messages_of(example.conversation.messages)]
    return {"messages": [*context, {**assistant(example.answer), "train": True}], **about_example(example)}
