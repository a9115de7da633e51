"""Stage 1: principles. Load, draw, lint and show a constitution; the shipped ones and the paper's own."""

from __future__ import annotations

from charter.constitution.draw import draw_for_comparison, draw_for_revision, draw_many_for_comparison
from charter.constitution.file import dump_constitution, read_constitution
from charter.constitution.lint import LintFinding, lint
from charter.constitution.load import (
    constitution_digest,
    load_constitution,
    load_with_lines,
    principle_digest,
    shipped_constitutions,
)
from charter.constitution.paper import is_paper_folder, read_paper_constitution
from charter.constitution.show import rendered, rendered_findings

__all__ = [
    "LintFinding",
    "constitution_digest",
    "draw_for_comparison",
    "draw_for_revision",
    "draw_many_for_comparison",
    "dump_constitution",
    "is_paper_folder",
    "lint",
    "load_constitution",
    "load_with_lines",
    "principle_digest",
    "read_constitution",
    "read_paper_constitution",
    "rendered",
    "rendered_findings",
    "shipped_constitutions",
]
