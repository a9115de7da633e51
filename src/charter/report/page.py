"""The page: the run's data, its pictures and tables, put into the template.

All text of the run is hostile. Jinja2 escapes whatever it puts in; the filters below also show control and
bidirectional characters as their escapes, keep each text's direction to itself (``bdi``), and cut what is very long.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from charter.printable import printable, printable_lines
from charter.report import tables
from charter.report.changes import marked
from charter.report.charts_counts import costs, label_spread
from charter.report.charts_policies import frontier, rounds
from charter.report.charts_training import reinforcement, reliability
from charter.report.data import ReportData
from charter.report.names import flag_label, policy_label
from charter.report.palette import DARK, LIGHT, colour_of
from charter.report.sketch import Picture
from charter.stage_names import EVALUATION, LABELS, MATCHES, PREFERENCE, REVISIONS, RL, SFT
from charter.types import FLAWS

LONGEST_TEXT = 2000  # characters of a text that are shown
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Pictures:
    """The page's pictures; None where there is nothing to draw yet."""

    frontier: Picture | None
    rounds: Picture | None
    reliability: Picture | None
    reinforcement: Picture | None
    labels: Picture | None
    costs: Picture | None


def render(data: ReportData) -> str:
    """The whole page."""
    facts = data.facts
    pictures = Pictures(
        frontier=frontier(data.table),
        rounds=rounds(data.table),
        reliability=reliability(data.calibration),
        reinforcement=reinforcement(data.rl),
        labels=label_spread(data.labels),
        costs=costs(tuple(facts.stages.values())),
    )
    return _environment().get_template("report.html.jinja").render(
        content_policy=POLICY,
        light=LIGHT,
        dark=DARK,
        data=data,
        facts=facts,
        pictures=pictures,
        tables=tables,
        title=f"{facts.settings.get('name', 'run')}, seed {facts.seed}",
        stages={
            "revisions": facts.stages[REVISIONS],
            "sft": facts.stages[SFT],
            "labels": facts.stages[LABELS],
            "preference": facts.stages[PREFERENCE],
            "rl": facts.stages[RL],
            "evaluation": facts.stages[EVALUATION],
            "matches": facts.stages[MATCHES],
        },
        flaws=FLAWS,
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def _isolated(text: object) -> Markup:
    """A short text on one line."""
    return Markup("<bdi>{}</bdi>").format(printable(str(text)))


def _prose(text: str) -> Markup:
    """A text of several lines, cut if it is very long."""
    return Markup('<bdi class="prose" dir="auto">{}</bdi>{}').format(printable_lines(text[:LONGEST_TEXT]), _cut(text))


def _revised(after: str, before: str) -> Markup:
    """A revision's text, its new words marked."""
    stretches = marked(before[:LONGEST_TEXT], after[:LONGEST_TEXT])
    body = Markup("").join(_stretch(new, text) for new, text in stretches)
    return Markup('<bdi class="prose" dir="auto">{}</bdi>{}').format(body, _cut(after))


def _stretch(new: bool, text: str) -> Markup:
    words = text.rstrip()
    form = "<mark>{}</mark>{}" if new and words else "{}{}"
    return Markup(form).format(printable_lines(words), printable_lines(text[len(words) :]))


def _cut(text: str) -> Markup:
    left = len(text) - LONGEST_TEXT
    if not text.strip():
        return Markup('<em class="note">(nothing)</em>')
    return Markup('<em class="note">… and {} more characters</em>').format(f"{left:,}") if left > 0 else Markup()


FILTERS: dict[str, Any] = {
    "bdi": _isolated,
    "prose": _prose,
    "revised": _revised,
    "plainly": printable,
    "policy": policy_label,
    "colour": colour_of,
    "flag": flag_label,
}
