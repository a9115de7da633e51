"""Counts: how the labels are spread, and what each stage cost."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from charter.report.facts import StageFacts
from charter.report.formats import duration, percent, whole
from charter.report.labels import NUM_BINS, LabelFigures
from charter.report.palette import SENTINELS
from charter.report.sketch import Grid, Picture, new_figure, percent_axis, picture, style

EDGES = [index / NUM_BINS for index in range(NUM_BINS + 1)]


def label_spread(labels: LabelFigures | None) -> Picture | None:
    """How sure the judge was, and how far its probability moves with the order; None without probabilities."""
    if labels is None or not labels.with_probability:
        return None
    with style(SENTINELS):
        figure = new_figure(8.8, 2.7)
        left, right = figure.subplots(1, 2)
        _draw_bins(left, labels.p_a, "How likely the judge thinks that A is better", "p(A)")
        _draw_bins(right, labels.inconsistency, "How far that moves with the order shown", "difference of p(A)")
        rows = tuple(
            (f"{percent(low, 0)} to {percent(high, 0)}", whole(p_a), whole(gap))
            for low, high, p_a, gap in zip(EDGES, EDGES[1:], labels.p_a, labels.inconsistency, strict=False)
        )
        numbers = Grid(("Between", "Labels with such a p(A)", "Labels that moved so far"), rows)
        sure = sum(labels.p_a[:2]) + sum(labels.p_a[-2:])
        words = (
            f"{percent(sure / labels.with_probability)} of probabilities are below 10 or above 90 percent; "
            f"{percent(labels.strongly_inconsistent)} of labels asked in both orders moved by one half or more."
        )
        return picture(figure, "labels", "Spread of the labels", words, numbers)


def costs(stages: Sequence[StageFacts]) -> Picture | None:
    """Seconds and tokens a stage, side by side; None before anything was computed."""
    begun = [stage for stage in stages if stage.state != "not begun"]
    if not begun:
        return None
    with style(SENTINELS):
        figure = new_figure(8.8, 0.7 + 0.27 * len(begun))
        left, right = figure.subplots(1, 2, sharey=True)
        places = range(len(begun))
        for axes, values, title in (
            (left, [stage.seconds for stage in begun], "Seconds"),
            (right, [stage.tokens for stage in begun], "Tokens"),
        ):
            axes.barh(places, values, color=SENTINELS["muted"])
            axes.set_title(title)
            axes.grid(False, axis="y")
            axes.set_xlim(left=0, right=None if any(values) else 1)
            axes.xaxis.set_major_formatter(FuncFormatter(_short))
        left.set_yticks(places, [stage.name for stage in begun])
        left.invert_yaxis()
        rows = tuple((stage.name, duration(stage.seconds), whole(stage.tokens)) for stage in begun)
        words = "; ".join(f"{name}: {seconds}, {tokens} tokens" for name, seconds, tokens in rows)
        return picture(figure, "costs", "Cost of each stage", words, Grid(("Stage", "Time", "Tokens"), rows))


def _draw_bins(axes: Axes, counts: Sequence[int], title: str, label: str) -> None:
    axes.bar(EDGES[:-1], counts, width=0.9 / NUM_BINS, align="edge", color=SENTINELS["muted"])
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(bottom=0, top=None if any(counts) else 1)
    axes.set_title(title)
    axes.set_xlabel(label)
    axes.set_ylabel("labels")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    percent_axis(axes, "x")


def _short(value: float, position: int) -> str:
    """``2.5M`` for two and a half million."""
    del position
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
