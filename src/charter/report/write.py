"""The report and the frontier's picture, written to disk."""

from __future__ import annotations

import io
from pathlib import Path

from charter.errors import RunError
from charter.records import Run
from charter.records.disk import write_durably
from charter.report.charts_policies import draw_frontier
from charter.report.data import Table, read_report, read_table
from charter.report.page import render
from charter.report.palette import LIGHT
from charter.report.sketch import style

REPORT = "report.html"
FORMATS = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}  # by suffix: no dates, no versions
DOTS_PER_INCH = 160


def write_report(run: Run) -> Path:
    """Makes ``report.html`` in the run's folder from its records, finished or not, and returns its path.

    The same records give the same bytes. Raises ``DamageError`` for records that aren't as they were written,
    ``StorageError``.
    """
    path = run.path / REPORT
    write_durably(path, render(read_report(run)).encode("utf-8"))
    return path


def save_frontier(run: Run, path: Path) -> Path:
    """Draws a finished run's frontier, policies by helpfulness and harmlessness, as a PNG or SVG file.

    Raises ``RunError`` if the run has no table yet or none that can be drawn, or for another suffix; ``StorageError``.
    """
    frontier_picture(read_table(run, required=True), path)
    return path


def frontier_picture(table: Table, path: Path) -> None:
    """The same of a table: on white paper, for pages that know nothing of Charter's colours."""
    if path.suffix not in FORMATS:
        raise RunError(f"{path} is neither a PNG nor an SVG file", "Give a name that ends in .png or .svg.")
    buffer = io.BytesIO()
    with style(LIGHT):
        figure = draw_frontier(table, LIGHT)
        if figure is None:
            raise RunError(
                "no policy of the table has both helpfulness and harmlessness",
                "Both come from the truth, or from a judge with usable verdicts on both kinds of prompt.",
            )
        figure.savefig(
            buffer,
            format=path.suffix[1:],
            dpi=DOTS_PER_INCH,
            facecolor=LIGHT["paper"],
            metadata=FORMATS[path.suffix],
        )
    write_durably(path, buffer.getvalue())
