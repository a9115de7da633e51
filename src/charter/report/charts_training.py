"""Training: the preference model's reliability, and what reinforcement learning did step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from charter.report.data import Calibration
from charter.report.formats import number, percent, whole
from charter.report.names import METRICS, metric_of
from charter.report.palette import SENTINELS
from charter.report.sketch import Grid, Picture, new_figure, percent_axis, picture, share_limits, style

TRUTH = "truth: "  # opens the names of what only the truth's reader sees
COLUMNS = 3
MOST_ROWS = 60  # steps listed in numbers; with more, every so many


@dataclass(frozen=True, slots=True)
class Panel:
    """A small chart of one or more figures of a step, each a name in ``metrics.jsonl`` and its label."""

    title: str
    series: tuple[tuple[str, str], ...]
    share: bool = False


WATCHED = (
    Panel("Reward", (("score", "score"), ("reward", "score less KL"))),
    Panel("KL to the start, nats an answer", (("kl", ""),)),
    Panel("Tokens an answer", (("length", ""),)),
    Panel(
        "Repeated phrases",
        (("boilerplate", "common sentence"), ("repeated_sentences", "sentence twice"), ("repeated_ngrams", "4 words")),
        share=True,
    ),
    Panel("Answers cut off", (("stopped_by_length", ""),), share=True),
)
LINES = ("-", (0, (4, 2)), (0, (1, 1.5)))


def reliability(calibration: Calibration | None) -> Picture | None:
    """The judge's mean probability over the model's, with counts beneath; None without held-out labels."""
    if calibration is None or not calibration.curve:
        return None
    with style(SENTINELS):
        figure = new_figure(5.6, 5.0)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        curve = calibration.curve
        predicted, judged = [point.predicted for point in curve], [point.judged for point in curve]
        low = [max(0.0, point.judged - point.judged_low) for point in curve]
        high = [max(0.0, point.judged_high - point.judged) for point in curve]
        above.plot(
            [0, 1], [0, 1], color=SENTINELS["muted"], linewidth=1, linestyle=(0, (4, 3)), label="as it should be"
        )
        above.errorbar(
            predicted, judged, yerr=[low, high],
            color=SENTINELS["ink"], marker="o", markersize=5, elinewidth=1, capsize=2.5, label="as it is",
        )  # fmt: skip
        above.set_ylim(-0.02, 1.02)
        above.set_ylabel("what the judge said, on average")
        above.legend(loc="upper left")
        below.bar(
            [(point.low + point.high) / 2 for point in curve], [point.n for point in curve],
            width=[0.9 * (point.high - point.low) for point in curve], color=SENTINELS["muted"],
        )  # fmt: skip
        below.set_xlim(-0.02, 1.02)
        below.set_ylabel("sides")
        below.set_xlabel("the preference model's probability that an answer is the better one")
        percent_axis(above)
        percent_axis(below, "x")
        rows = tuple(
            (
                f"{percent(point.low, 0)} to {percent(point.high, 0)}",
                whole(point.n),
                percent(point.predicted),
                percent(point.judged),
                f"{100 * point.judged_low:.1f} to {100 * point.judged_high:.1f}",
            )
            for point in curve
        )
        numbers = Grid(("Predicted", "Sides", "Mean predicted", "Mean judged", "95 % interval"), rows)
        words = "; ".join(f"predicted {row[2]}, judged {row[3]}, {row[1]} sides" for row in rows)
        return picture(figure, "reliability", "Reliability curve of the preference model", words, numbers)


def reinforcement(rows: Sequence[Mapping[str, float]]) -> Picture | None:
    """Every figure over the same steps: what the method watches, then what only the truth sees; None without steps."""
    panels = _panels(rows)
    if not panels:
        return None
    with style(SENTINELS):
        num_rows = math.ceil(len(panels) / COLUMNS)
        figure = new_figure(8.8, 1.75 * num_rows + 0.2)
        for index, panel in enumerate(panels):
            axes = figure.add_subplot(num_rows, COLUMNS, index + 1)
            _draw_series(axes, panel, rows)
            if index >= len(panels) - COLUMNS:
                axes.set_xlabel("step")
        names = [name for panel in panels for name, _ in panel.series]
        every = math.ceil(len(rows) / MOST_ROWS)
        listed = [row for place, row in enumerate(rows) if place % every == 0 or place == len(rows) - 1]
        cells = tuple((number(row.get("step")), *(number(row.get(name)) for name in names)) for row in listed)
        numbers = Grid(("step", *names), cells)
        first, last = rows[0], rows[-1]
        words = "From the first step to the last: " + "; ".join(
            f"{name} {number(first.get(name))} to {number(last.get(name))}" for name in names
        )
        return picture(figure, "reinforcement", "Reinforcement learning, step by step", words, numbers)


def _panels(rows: Sequence[Mapping[str, float]]) -> list[Panel]:
    """The panels for which there is a figure, the reward's first and the truth's right after it."""
    there = dict.fromkeys(name for row in rows for name in row if "step" in row)
    order = {f"{TRUTH}{metric.name}": place for place, metric in enumerate(METRICS)}
    seen = sorted((name for name in there if name.startswith(TRUTH)), key=lambda name: order.get(name, len(order)))
    truth = [Panel(f"Truth: {metric_of(name.removeprefix(TRUTH)).label}", ((name, ""),), share=True) for name in seen]
    watched = [panel for panel in WATCHED if any(name in there for name, _ in panel.series)]
    return [*watched[:1], *truth, *watched[1:]]


def _draw_series(axes: Axes, panel: Panel, rows: Sequence[Mapping[str, float]]) -> None:
    """In the colour of the policy that is trained; several figures differ by their lines."""
    of_truth = panel.series[0][0].startswith(TRUTH)
    colour = SENTINELS["rl-cai"] if of_truth else SENTINELS["ink"]
    for (name, label), line in zip(panel.series, LINES, strict=False):
        known = [(row["step"], row[name]) for row in rows if "step" in row and name in row]
        axes.plot(
            [step for step, _ in known], [value for _, value in known],
            color=colour, linestyle=line, label=label, marker="o" if len(known) == 1 else "", markersize=3,
        )  # fmt: skip
    steps = [row["step"] for row in rows if "step" in row]
    axes.set_xlim(min(steps) - 0.5, max(steps) + 0.5)  # one axis for all, though a figure may lack steps
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_title(panel.title)
    if panel.share:
        percent_axis(axes)
        share_limits(axes)
    if len(panel.series) > 1:
        axes.legend(fontsize=7)
