"""Records for people: a heading, and what was said below it. What a model or a file wrote is shown, not obeyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid

from charter.cli.console import block, line
from charter.cli.selecting import Line
from charter.types import (
    Answer,
    Comparison,
    Judgement,
    PreferenceLabel,
    Principle,
    Prompt,
    RevisionChain,
    Rollout,
)

Row = tuple[str, str]
Principles = Mapping[str, Principle]


def rendered_record(record: Any, principles: Principles) -> RenderableType:
    """One record of any stage. ``principles`` are the run's, by id."""
    match record:
        case Prompt():
            return shown_rows(record.id, [("is", _of_prompt(record)), *_turns(record)])
        case RevisionChain():
            return shown_rows(record.id, [*_turns(record.prompt), *_rounds(record, principles)])
        case Comparison():
            return shown_rows(record.id, _pair(record))
        case PreferenceLabel():
            return shown_rows(record.id, [*_pair(record.comparison), *_label(record, principles)])
        case Rollout():
            figures = ("score", "kl", "reward", "advantage")
            said = ", ".join(f"{name} {getattr(record, name):.3f}" for name in figures)
            return shown_rows(
                record.id, [*_turns(record.prompt), ("answer", record.completion.text), (f"step {record.step}", said)]
            )
        case Answer():
            return shown_rows(record.id, [*_turns(record.prompt), (record.policy, record.completion.text)])
        case Line():
            return line("  ".join(f"{name} {_figure(value)}" for name, value in record.fields.items()))
        case _:
            raise TypeError(f"no stage makes a {type(record).__name__}")


def shown_rows(title: str, rows: list[Row]) -> RenderableType:
    """A heading and rows of a name and a text under it."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(line(name), block(text))
    return Group(line(title, "bold"), Padding(grid, (0, 0, 1, 2)))


def shown_verdict(judgement: Judgement) -> str:
    """``A 71.2 %, B 28.8 %`` of the probability, or why there is none."""
    if judgement.verdict is None:
        return f"no verdict: {judgement.failure}"
    return f"A {100 * judgement.verdict.a:.3g} %, B {100 * judgement.verdict.b:.3g} %"


def shown_order(judgement: Judgement) -> str:
    """Which side the judge was shown first."""
    return "A first" if judgement.order == "ab" else "B first"


def _of_prompt(prompt: Prompt) -> str:
    parts = (prompt.kind.replace("_", "-"), prompt.category, f"for {prompt.split}", f"from {prompt.source}")
    return ", ".join(part for part in parts if part)


def _turns(prompt: Prompt) -> list[Row]:
    return [(message.role, message.content) for message in prompt.conversation.messages]


def _rounds(chain: RevisionChain, principles: Principles) -> list[Row]:
    rows: list[Row] = [("response" if chain.revisions else "sample", chain.first.text)]
    for number, revision in enumerate(chain.revisions, start=1):
        rows += [
            (f"{number} principle", _named(revision.principle_id, principles, "critique")),
            (f"{number} critique", revision.critique.text),
            (f"{number} revision", revision.response.text),
        ]
        if revision.hygiene:
            rows.append((f"{number} hygiene", ", ".join(revision.hygiene)))
    return rows


def _pair(comparison: Comparison) -> list[Row]:
    sides = (("A", comparison.a), ("B", comparison.b))
    return [*_turns(comparison.prompt), *((f"{name} ({side.policy})", side.text) for name, side in sides)]


def _label(label: PreferenceLabel, principles: Principles) -> list[Row]:
    rows: list[Row] = []
    asked = ""
    for judgement in label.judgements:
        if judgement.principle_id != asked:
            asked = judgement.principle_id
            rows.append(("principle", _named(asked, principles, "comparison")))
        rows.append((shown_order(judgement), shown_verdict(judgement)))
    p_a = "" if label.p_a is None else f", p(A better) {label.p_a:.3f}"
    moved = "" if label.inconsistency is None else f", moved by the order {label.inconsistency:.3f}"
    return [*rows, ("label", f"{label.state}{p_a}{moved}")]


def _named(principle_id: str, principles: Principles, form: str) -> str:
    """A principle's id and what was asked by it; the id alone where the constitution doesn't have it."""
    found = principles.get(principle_id)
    return principle_id if found is None else f"{principle_id}: {getattr(found, form)}"


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
