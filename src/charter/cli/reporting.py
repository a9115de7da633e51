"""``charter report``: the run as one page, made again whenever records are newer than it."""

from __future__ import annotations

from pathlib import Path

from charter.cli.console import put_line
from charter.cli.options import RunFolder
from charter.records import Run
from charter.records.manifest import MANIFEST

REPORT = "report.html"


def report(run: RunFolder) -> None:
    """Writes report.html into the run's folder: one file without network access, from the records as they are."""
    from charter.report import write_report  # it draws, and what draws takes seconds to import

    put_line(f"Report: {write_report(Run.open(run))}")


def current_report(run: Run) -> Path:
    """The run's report, made again unless it is newer than every stage's manifest."""
    path = run.path / REPORT
    newest = max((stage.path / MANIFEST).stat().st_mtime_ns for stage in run.stages())
    if path.is_file() and path.stat().st_mtime_ns >= newest:
        return path
    from charter.report import write_report

    return write_report(run)
