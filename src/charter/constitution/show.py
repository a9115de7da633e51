"""A constitution for the terminal. Its words are shown, never obeyed: no markup, no escape sequence."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from charter.constitution.lint import LintFinding
from charter.constitution.load import constitution_digest
from charter.printable import printable, printable_lines
from charter.types import Constitution, Principle

_FORMS = (("Critique", "critique"), ("Revision", "revision"), ("Comparison", "comparison"))
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def rendered(constitution: Constitution) -> RenderableType:
    """Everything in it, principle by principle, with each one's share of the draws."""
    heading = Text.assemble(
        (printable(constitution.name), "bold"),
        f" · version {printable(constitution.version)} · {len(constitution.principles)} principles",
        (f" · {constitution_digest(constitution)[:12]}", "dim"),
    )
    parts: list[RenderableType] = [heading]
    if constitution.preamble:
        parts.append(Padding(Text(printable_lines(constitution.preamble.strip())), (1, 0, 0, 2)))
    if constitution.priorities:
        parts.append(Padding(Text(f"Priorities: {', '.join(map(printable, constitution.priorities))}"), (1, 0, 0, 2)))
    parts += [_principle(number, row, constitution) for number, row in enumerate(constitution.principles, start=1)]
    counts = (len(constitution.revision_examples), len(constitution.comparison_examples))
    parts.append(Padding(Text(f"Worked examples: {counts[0]} revisions, {counts[1]} comparisons", "dim"), (1, 0, 0, 0)))
    return Group(*parts)


def rendered_findings(findings: tuple[LintFinding, ...]) -> RenderableType:
    """Lint's findings, one a row; a sentence if there are none."""
    if not findings:
        return Text("No findings.", "green")
    table = Table(box=None, pad_edge=False)
    for column in ("level", "line", "principle", "finding"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.level, _STYLES[finding.level]),
            Text("" if finding.line is None else str(finding.line)),
            Text(printable(finding.principle_id)),
            Text(printable(finding.message)),
        )
    return table


def _principle(number: int, principle: Principle, constitution: Constitution) -> RenderableType:
    tags = "".join(f" [{printable(tag)}]" for tag in principle.tags)
    title = Text.assemble(
        f"{number}. ", (printable(principle.title), "bold"), (f" ({printable(principle.id)}){tags}", "cyan")
    )
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, field in _FORMS:
        if getattr(principle, field):
            table.add_row(label, Text(printable_lines(getattr(principle, field))))
    table.add_row("Drawn", Text(_shares(principle, constitution)))
    if principle.source:
        table.add_row("Source", Text(printable(principle.source)))
    text = Text(printable_lines(principle.text), "italic")
    return Padding(Group(title, Padding(text, (0, 0, 0, 3)), Padding(table, (0, 0, 0, 3))), (1, 0, 0, 0))


def _shares(principle: Principle, constitution: Constitution) -> str:
    """Its expected share of revisions and of comparisons."""
    shares: list[str] = []
    for use, field in (("revisions", "critique"), ("comparisons", "comparison")):
        total = sum(other.weight for other in constitution.principles if getattr(other, field))
        if getattr(principle, field) and total:
            shares.append(f"{principle.weight / total:.1%} of {use}")
    return ", ".join(shares) or "never"
