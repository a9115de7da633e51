"""Constitutions as YAML: the schema, the checks that name a line, and the way back to YAML.

The file::

    name: ...            version: "1"           preamble: ...
    priorities: [harmless, honest, helpful]     # which tags prevail in a conflict, first first
    principles:
      - {id, title, text, critique, revision, comparison, source, weight, tags}
    examples:
      revision: [{prompt, response, critique_request, critique, revision_request, revision}]
      comparison: [{conversation, a, b, better, reasoning}]

A principle may leave out its critique and revision requests (it then serves judges only) or its comparison question (it
then serves revision only), but not both: the paper's two lists of principles are such halves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from charter.errors import ConstitutionError
from charter.types import ComparisonExample, Constitution, Principle, RevisionExample
from charter.yaml_file import Document, dump_yaml, read_document, validate

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
MaybeText = Annotated[str, StringConstraints(strip_whitespace=True)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _PrincipleRow(_Row):
    id: Id
    title: Text
    text: Text
    critique: MaybeText = ""
    revision: MaybeText = ""
    comparison: MaybeText = ""
    source: MaybeText = ""
    weight: Annotated[float, Field(ge=0, le=1e6)] = 1.0
    tags: list[Text] = []


class _RevisionExampleRow(_Row):
    prompt: Text
    response: Text
    critique_request: Text
    critique: Text
    revision_request: Text
    revision: Text


class _ComparisonExampleRow(_Row):
    conversation: Text
    a: Text
    b: Text
    better: Literal["a", "b"]
    reasoning: MaybeText = ""


class _Examples(_Row):
    revision: list[_RevisionExampleRow] = []
    comparison: list[_ComparisonExampleRow] = []


class _ConstitutionFile(_Row):
    name: Text
    version: Text
    preamble: MaybeText = ""
    priorities: list[Text] = []
    principles: list[_PrincipleRow]
    examples: _Examples = _Examples()


def read_constitution(source: Path | str | Document) -> tuple[Constitution, Mapping[str, int]]:
    """The constitution in a file (``Path``) or a YAML text (``str``), and the line on which each principle starts.

    Raises ``ConstitutionError`` with line and field for whatever is wrong.
    """
    document = source if isinstance(source, Document) else read_document(source, ConstitutionError)
    file = validate(_ConstitutionFile, document, ConstitutionError)
    _check_ids(file, document)
    for index, row in enumerate(file.principles):
        _check_forms(row, document.place(("principles", index)))
    if sum(row.weight for row in file.principles) <= 0:
        place = document.place(("principles",))
        raise ConstitutionError(f"{place}: no principle has a positive weight", "Give one a weight above 0.")
    lines = {row.id: document.lines[("principles", index)] for index, row in enumerate(file.principles)}
    return _built(file), lines


def dump_constitution(constitution: Constitution) -> str:
    """The constitution as YAML. ``read_constitution`` reads the same one back, but for space around its texts."""
    data: dict[str, Any] = {"name": constitution.name, "version": constitution.version}
    if constitution.preamble:
        data["preamble"] = constitution.preamble
    if constitution.priorities:
        data["priorities"] = list(constitution.priorities)
    data["principles"] = [_said(principle) for principle in constitution.principles]
    examples = {
        "revision": [_said(example) for example in constitution.revision_examples],
        "comparison": [_said(example) for example in constitution.comparison_examples],
    }
    if any(examples.values()):
        data["examples"] = {kind: rows for kind, rows in examples.items() if rows}
    return dump_yaml(data)


def _check_ids(file: _ConstitutionFile, document: Document) -> None:
    if not file.principles:
        raise ConstitutionError(f"{document.place(('principles',))}: there are no principles", "Write at least one.")
    first: dict[str, int] = {}
    for index, row in enumerate(file.principles):
        if row.id in first:
            place = document.place(("principles", index, "id"))
            before = document.place(("principles", first[row.id], "id"))
            raise ConstitutionError(
                f"{place}: the id {row.id!r} is taken ({before})", "Give each principle its own id."
            )
        first[row.id] = index


def _check_forms(row: _PrincipleRow, place: str) -> None:
    if bool(row.critique) != bool(row.revision):
        has, lacks = ("critique", "revision") if row.critique else ("revision", "critique")
        problem = f"{place}: principle {row.id!r} has a {has} request and no {lacks} request"
        raise ConstitutionError(problem, "The two go together: write both, or neither.")
    if not row.critique and not row.comparison:
        problem = f"{place}: principle {row.id!r} has neither critique and revision requests nor a comparison question"
        raise ConstitutionError(problem, "It would never be used: write one or the other.")


def _built(file: _ConstitutionFile) -> Constitution:
    return Constitution(
        name=file.name,
        version=file.version,
        preamble=file.preamble,
        priorities=tuple(file.priorities),
        principles=tuple(_principle(row) for row in file.principles),
        revision_examples=tuple(RevisionExample(**row.model_dump()) for row in file.examples.revision),
        comparison_examples=tuple(ComparisonExample(**row.model_dump()) for row in file.examples.comparison),
    )


def _principle(row: _PrincipleRow) -> Principle:
    fields = row.model_dump(exclude={"tags"})
    return Principle(**fields, tags=tuple(row.tags))


def _said(row: Principle | RevisionExample | ComparisonExample) -> dict[str, Any]:
    """The row's fields, without those that say no more than their default."""
    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return {name: value for name, value in plain.items() if value not in ("", [])}
