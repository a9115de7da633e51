"""OpenRLHF: chat lists under the keys that its command line is told (``RewardDataset``, ``SFTDataset``).

With ``--apply_chat_template`` and a prompt key, it renders ``prompt + chosen`` and ``prompt + rejected``, so both are
lists, and likewise ``input + output``: a pair's row is TRL's.
"""

from __future__ import annotations

from pathlib import Path

from charter.export.rows import about_example
from charter.export.source import Example, Source, Tally
from charter.export.trl import pair_row
from charter.export.write import Row, assistant, messages_of, write_json_lines

USE = """```sh
# train_rm, train_dpo
--dataset preference.jsonl --prompt_key prompt --chosen_key chosen --rejected_key rejected --apply_chat_template
# train_sft
--dataset sft.jsonl --input_key input --output_key output --apply_chat_template
```"""


def export_openrlhf(source: Source, folder: Path, tally: Tally) -> str:
    """Writes ``preference.jsonl`` and ``sft.jsonl``, as far as the run has come; returns how they are used."""
    if source.has_labels:
        write_json_lines(folder / "preference.jsonl", map(pair_row, source.pairs(tally)))
    if source.has_revisions:
        write_json_lines(folder / "sft.jsonl", map(_example_row, source.examples(tally)))
    return USE


def _example_row(example: Example) -> Row:
    prompt = messages_of(example.conversation.messages)
    return {"input": prompt, "output": [assistant(example.answer)], **about_example(example)}
