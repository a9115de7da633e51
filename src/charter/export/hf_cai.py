"""The layout of ``HuggingFaceH4/cai-conversation-harmless``, which the alignment handbook's recipe trains on.

A row is a round of revision: what was answered, the critique, the revision; as data for SFT (``messages``) and as a
preference of the revision over the answer that it revised (``chosen``, ``rejected``). That preference is the recipe's
own; the judge's labels are not in this layout. Prompts are parted as there: about 47 % each in ``train_sft`` and
``train_prefs``, 2.6 % each in ``test_sft`` and ``test_prefs``, by the run's seed and the prompt alone.

In their layout a prompt is one text. Of a longer conversation, ``prompt`` and ``init_prompt`` hold the last turn;
``messages``, ``chosen`` and ``rejected`` hold all of it. ``id`` and ``principle`` are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from charter.export.source import PrincipleWords, Source, Tally, principle_words
from charter.export.write import MESSAGE, MESSAGES, Row, assistant, messages_of, write_parquet
from charter.seeds import derive_seed
from charter.stage_names import REVISIONS
from charter.types import RevisionChain

SPLITS = ("test_sft", "test_prefs", "train_sft", "train_prefs")
SCHEMA = pa.schema(
    [
        ("index", pa.int64()),
        ("prompt", pa.string()),
        *((name, MESSAGE) for name in ("init_prompt", "init_response", "critic_prompt", "critic_response")),
        *((name, MESSAGE) for name in ("revision_prompt", "revision_response")),
        *((name, MESSAGES) for name in ("messages", "chosen", "rejected")),
        ("id", pa.string()),
        ("principle", pa.string()),
    ]
)
USE = """```python
from datasets import load_dataset
load_dataset(".")    # train_sft, train_prefs, test_sft, test_prefs
```"""


def export_hf_cai(source: Source, folder: Path, tally: Tally) -> str:
    """Writes a Parquet file a split that has rows; returns how they are used. Raises ``RunError`` without revisions."""
    source.require(REVISIONS)
    for split in SPLITS:
        own = Tally() if split != SPLITS[0] else tally  # each pass sees all revisions: one of them counts
        write_parquet(folder / path_of(split), _rows(source, split, own, tally), SCHEMA)
    return USE


def path_of(split: str) -> str:
    return f"data/{split}-00000-of-00001.parquet"


def split_of(seed: int, prompt_id: str) -> str:
    """Where a prompt's rows go: one of 39 to each test split, the rest in equal parts to the others (18.5 of 39)."""
    place = derive_seed(seed, "export split", prompt_id) % 78
    return SPLITS[0 if place < 2 else 1 if place < 4 else 2 if place < 41 else 3]


def _rows(source: Source, split: str, counted: Tally, tally: Tally) -> Iterator[Row]:
    principles = principle_words(source)
    for index, (chain, round_index) in enumerate(source.revisions(counted)):
        if split_of(source.recipe.seed, chain.prompt.id) == split:
            tally[f"rows in {split}"] += 1
            yield _row(index, chain, round_index, principles.get(chain.revisions[round_index - 1].principle_id))


def _row(index: int, chain: RevisionChain, round_index: int, principle: PrincipleWords | None) -> Row:
    revision = chain.revisions[round_index - 1]
    before, after = chain.response(round_index - 1).text, revision.response.text
    turns = messages_of(chain.prompt.conversation.messages)
    asked = chain.prompt.conversation.last_user_text
    return {
        "index": index,
        "prompt": asked,
        "init_prompt": _user(asked),
        "init_response": assistant(before),
        "critic_prompt": _user(principle.critique if principle else ""),
        "critic_response": assistant(revision.critique.text),
        "revision_prompt": _user(principle.revision if principle else ""),
        "revision_response": assistant(after),
        "messages": [*turns, assistant(after)],
        "chosen": [*turns, assistant(after)],
        "rejected": [*turns, assistant(before)],
        "id": f"{chain.id}/{round_index}",
        "principle": revision.principle_id,
    }


def _user(text: str) -> Row:
    return {"role": "user", "content": text}
