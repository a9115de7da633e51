"""A run's data for other trainers and tools. ``export.py`` is where to start reading; a file beside it is a form."""

from charter.export.export import TARGETS, Exported, export_run

__all__ = ["TARGETS", "Exported", "export_run"]
