"""``charter constitution``: show one, or read it as a careful editor would."""

from __future__ import annotations

from typing import Annotated

import typer

from charter.cli.boundary import FOUND
from charter.cli.console import put
from charter.constitution import lint as findings_in
from charter.constitution import load_constitution, load_with_lines, rendered, rendered_findings

app = typer.Typer(no_args_is_help=True, help="Shows a constitution, or checks it.")

Named = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="A shipped one's name, a YAML file, or the folder of the paper's files."),
]


@app.command(epilog="Example: charter constitution show small-world")
def show(constitution: Named) -> None:
    """Shows every principle, how it is asked, and how often it is drawn."""
    put(rendered(load_constitution(constitution)))


@app.command(epilog="Example: charter constitution lint policies/mine.yaml")
def lint(constitution: Named) -> None:
    """Says what will make a constitution work less well than it could. Exits with 1 if there is an error among it."""
    findings = findings_in(*load_with_lines(constitution))
    put(rendered_findings(findings))
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(FOUND)
