"""``charter show``: the records of a stage, readable or as JSON lines."""

from __future__ import annotations

import dataclasses
import json
from itertools import islice
from typing import Annotated

import typer

from charter.cli.console import put, put_line, say
from charter.cli.options import RunFolder
from charter.cli.rendering import rendered_record
from charter.cli.selecting import Line, records_of, stage_named
from charter.cli.stages_read import why_skipped
from charter.job import constitution_of
from charter.records import Run

READABLE = 5  # records shown to people if they don't say how many

StageName = Annotated[
    str, typer.Argument(metavar="STAGE", help="Number, name or folder: 2, revisions, 2-revisions; 8 is 8-evaluation.")
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, metavar="N", help=f"How many records; {READABLE} if not said, all with --json."),
]


def show(
    run: RunFolder,
    stage: StageName,
    limit: Limit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Writes a JSON object a line.")] = False,
) -> None:
    """Shows a stage's records: prompts, chains with critiques and revisions, pairs, labels, rollouts, answers.

    Stages 3 and 6 train: shown are the steps of 3, and the held-out scores of 6.
    """
    found = Run.open(run)
    name = stage_named(stage)
    records = records_of(found, name)
    if as_json:
        for record in islice(records, limit):
            put_line(json.dumps(record.fields if isinstance(record, Line) else dataclasses.asdict(record)))
        return
    principles = {principle.id: principle for principle in constitution_of(found).principles}
    shown = 0
    for record in islice(records, limit or READABLE):
        put(rendered_record(record, principles))
        shown += 1
    rest = sum(1 for _ in records)
    skipped = why_skipped(found.stage(name))
    if skipped:
        say(f"{name} had nothing to do: {skipped}.")
    say(f"{shown} of {shown + rest} records of {name}.")
