"""TRL: conversational preference data with an explicit prompt, and prompt-completion data for SFT.

https://huggingface.co/docs/trl/dataset_formats. ``RewardTrainer`` and ``DPOTrainer`` take the one, ``SFTTrainer`` the
other, of which it learns the completion alone. The further columns are ours, and TRL leaves them aside.
"""

from __future__ import annotations

from pathlib import Path

from charter.export.rows import about_example, about_pair
from charter.export.source import Example, Pair, Source, Tally
from charter.export.write import Row, assistant, messages_of, write_json_lines

USE = """```python
from datasets import load_dataset
pairs = load_dataset("json", data_files="preference.jsonl", split="train")    # RewardTrainer, DPOTrainer
examples = load_dataset("json", data_files="sft.jsonl", split="train")        # SFTTrainer
```"""


def export_trl(source: Source, folder: Path, tally: Tally) -> str:
    """Writes ``preference.jsonl`` and ``sft.jsonl``, as far as the run has come; returns how they are used."""
    if source.has_labels:
        write_json_lines(folder / "preference.jsonl", map(pair_row, source.pairs(tally)))
    if source.has_revisions:
        write_json_lines(folder / "sft.jsonl", map(example_row, source.examples(tally)))
    return USE


def pair_row(pair: Pair) -> Row:
    return {
        "prompt": messages_of(pair.prompt.conversation.messages),
        "chosen": [assistant(pair.chosen)],
        "rejected": [assistant(pair.rejected)],
        **about_pair(pair),
    }


def example_row(example: Example) -> Row:
    prompt = messages_of(example.conversation.messages)
    return {"prompt": prompt, "completion": [assistant(example.answer)], **about_example(example)}
