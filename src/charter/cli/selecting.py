"""Which stage is meant, and its records: those of its parts, or the lines of the file that a training stage writes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from charter.cli.stages_read import why_skipped
from charter.errors import RunError
from charter.lineage import RECORDS
from charter.pipeline import STAGES
from charter.printable import printable
from charter.records import Run
from charter.stage_names import PREFERENCE, SFT

LINES: Mapping[str, str] = {SFT: "metrics.jsonl", PREFERENCE: "held_out.jsonl"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a training stage's file: a step's figures, or a held-out label's scores."""

    fields: Mapping[str, Any]


def stage_named(given: str) -> str:
    """A stage by number, name or folder. Raises ``RunError`` with the nearest one. 8 is its first half."""
    for name in STAGES:
        number, _, word = name.partition("-")
        if given.strip().lower() in (name, word, number):
            return name
    words = [name.partition("-")[2] for name in STAGES]
    near = difflib.get_close_matches(given.lower(), [*words, *STAGES], n=1)
    guess = f"; the nearest is {near[0]}" if near else ""
    raise RunError(f"there is no stage {printable(given)!r}{guess}", f"Stages: {', '.join(STAGES)}.")


def records_of(run: Run, name: str) -> Iterator[Any]:
    """What a stage has made so far, in order. Raises ``RunError`` if it was never begun, ``DamageError``."""
    stage = run.stage(name)
    if not stage.path.is_dir():
        raise RunError(f"{run.path} has no stage {name} yet", "Compute it, or ask for one that is there.")
    if name in RECORDS:
        yield from stage.read(RECORDS[name])
        return
    if why_skipped(stage):
        return
    for text in stage.checked(LINES[name]).read_text(encoding="utf-8").splitlines():
        yield Line(json.loads(text))
