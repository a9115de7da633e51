"""``charter export``: a run's data for other people's trainers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charter.cli.console import put_line
from charter.cli.options import RunFolder
from charter.export import TARGETS, export_run
from charter.records import Run

Target = Annotated[str, typer.Option("--to", metavar="FORM", help=f"One of {', '.join(TARGETS)}.")]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder that is empty or not there yet.")]


def export(run: RunFolder, to: Target, out: OutFolder) -> None:
    """Writes what SL-CAI learnt from and the judge's preferences, with its probabilities, in another trainer's form.

    Comparisons without a usable label are left out and counted; ties are kept, with probability 0.5.
    """
    exported = export_run(Run.open(run), to, out)
    for name, count in exported.counts.items():
        put_line(f"{count:>9,}  {name}")
    put_line(f"Written to {exported.path}: {', '.join(exported.files)}")
