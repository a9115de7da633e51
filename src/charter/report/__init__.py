"""The report: one HTML page made from a run's records alone, to be opened anywhere, without network access.

``write.py`` is where to start reading: ``data.py`` reads the run, ``charts*.py`` draw, ``page.py`` puts it together.
"""

from charter.report.write import save_frontier, write_report

__all__ = ["save_frontier", "write_report"]
