"""Annotated pairs, format 2.0, of Inverse Constitutional AI and Feedback Forensics (Findeis et al. 2024).

One JSON file: the pairs, and who prefers what. The judge's label is the default annotator; beside it stands an
annotator for each principle that was asked, so that their tools can show which principle drives the labels. A tie is
no preference, with that as its reason. The format's date is left out: the same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from charter.export.source import Pair, PrincipleWords, Source, Tally, principle_words
from charter.export.write import Row
from charter.records.disk import storage_errors
from charter.stage_names import LABELS
from charter.types import TIE_TOLERANCE, Conversation, Judgement

FILE = "annotated_pairs.json"
VERSION = "2.0"
# Their loader knows the default annotator by the digest of these words.
_DEFAULT = "Default annotator from original dataset (from column `preferred_text`)"
_KEYS = ("probability_a", "kind", "category", "prompt_id")
USE = f"""```sh
feedback-forensics -d {FILE}
```"""


def export_annotated_pairs(source: Source, folder: Path, tally: Tally) -> str:
    """Writes ``annotated_pairs.json``; returns how it is used. Raises ``RunError`` without labels."""
    source.require(LABELS)
    principles = principle_words(source)
    path = folder / FILE
    with storage_errors(path), path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_opening(source, principles))
        for number, pair in enumerate(source.pairs(tally)):
            file.write(",\n" if number else "\n")
            file.write(json.dumps(_comparison(pair, principles), ensure_ascii=False))
        file.write("\n]}\n")
    return USE


def annotator_id(words: str) -> str:
    """Their id of an annotator: eight digits of the MD5 of its description."""
    return hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()[:8]


def _opening(source: Source, principles: Mapping[str, PrincipleWords]) -> str:
    default = annotator_id(_DEFAULT)
    annotators: dict[str, Row] = {
        default: {"name": "judge", "description": "The judge's label: the mean of its judgements", "type": "ai"}
    }
    for principle in principles.values():
        words = _words(principle)
        annotators[annotator_id(words)] = {"description": words, "type": "principle"}
    metadata = {
        "version": VERSION,
        "description": f"AI feedback by the constitution {source.constitution.name} {source.constitution.version}",
        "dataset_name": source.recipe.name,
        "default_annotator": default,
        "available_metadata_keys_per_comparison": list(_KEYS),
    }
    return f'{{"metadata": {_json(metadata)},\n"annotators": {_json(annotators)},\n"comparisons": ['


def _comparison(pair: Pair, principles: Mapping[str, PrincipleWords]) -> Row:
    label = pair.label
    a, b = label.comparison.a, label.comparison.b
    p_a = 0.5 if pair.tied else label.p_a
    annotations = {annotator_id(_DEFAULT): _preference(p_a)}
    ordered = sorted(label.judgements, key=lambda judgement: judgement.principle_id)
    for principle_id, asked in groupby(ordered, key=lambda judgement: judgement.principle_id):
        if principle_id in principles:
            annotations[annotator_id(_words(principles[principle_id]))] = _preference(_mean_p_a(asked))
    about = (p_a, pair.prompt.kind, pair.prompt.category, pair.prompt.id)
    return {
        "id": pair.id,
        "prompt": _written(pair.prompt.conversation),
        "response_a": {"text": a.text, "model": a.policy},
        "response_b": {"text": b.text, "model": b.policy},
        "annotations": annotations,
        "metadata": {name: str(value) for name, value in zip(_KEYS, about, strict=True)},
    }


def _mean_p_a(judgements: Iterable[Judgement]) -> float | None:
    verdicts = [judgement.verdict for judgement in judgements]
    usable = [verdict.p_a for verdict in verdicts if verdict is not None and verdict.usable_mass > 0]
    return sum(usable) / len(usable) if usable else None


def _preference(p_a: float | None) -> dict[str, str | None]:
    if p_a is None:
        return {"pref": None, "no_pref_reason": "invalid"}
    if abs(2 * p_a - 1) <= TIE_TOLERANCE:
        return {"pref": None, "no_pref_reason": "tie"}
    return {"pref": "a" if p_a > 0.5 else "b"}


def _words(principle: PrincipleWords) -> str:
    return principle.text or principle.id


def _written(conversation: Conversation) -> str:
    """A single turn as it is; more of them as a transcript, as the format has one text."""
    if len(conversation.messages) == 1:
        return conversation.last_user_text
    names = {"user": "Human", "assistant": "Assistant", "system": "System"}
    return "".join(f"\n\n{names[turn.role]}: {turn.content}" for turn in conversation.messages)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
