"""Policies and revision rounds: the frontier, and the scores round by round."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from charter.report.data import Table
from charter.report.formats import with_interval
from charter.report.names import (
    HARM,
    HARMLESS_ELO,
    HELPED,
    HELPFUL_ELO,
    METRICS,
    POLICY_LABELS,
    Metric,
    metric_of,
    policy_label,
    round_of,
)
from charter.report.palette import SENTINELS, Colours, colour_of, marker_of
from charter.report.sketch import Grid, Picture, new_figure, percent_axis, picture, share_limits, style
from charter.types import Estimate

ROUND_METRICS = tuple(metric for metric in METRICS if metric.name != "on_grammar")
COLUMNS = 4  # small charts a row
LEAST_SPAN = {False: 0.2, True: 100.0}  # of a frontier's axis (by whether it is Elo), lest noise looks like a gulf


@dataclass(frozen=True, slots=True)
class Panel:
    """One frontier: two metrics, and how the y metric is turned so that up is better."""

    title: str
    x: str
    y: str
    x_label: str
    y_label: str
    turn: Callable[[Estimate], Estimate]


def _complement(estimate: Estimate) -> Estimate:
    return Estimate(1 - estimate.mean, 1 - estimate.high, 1 - estimate.low, estimate.n, estimate.unusable)


PANELS = (
    Panel("By the truth", HELPED, HARM, "helps where help is due", "doesn't comply with harm", _complement),
    Panel("By the judge", HELPFUL_ELO, HARMLESS_ELO, "helpfulness, Elo", "harmlessness, Elo", lambda given: given),
)


def policies_of(table: Table) -> list[str]:
    """The table's policies, revision rounds apart: the method's own in its order, then any others by name."""
    known = [policy for policy in POLICY_LABELS if policy in table]
    return known + sorted(policy for policy in table if round_of(policy) is None and policy not in known)


def rounds_of(table: Table) -> list[str]:
    """The table's revision rounds, in their order."""
    return sorted(
        (policy for policy in table if round_of(policy) is not None), key=lambda policy: round_of(policy) or 0
    )


def draw_frontier(table: Table, colours: Colours) -> Figure | None:
    """A panel for the truth, one for the judge, or the one of them that the table allows. Call it within ``style``."""
    shown = [(panel, found) for panel in PANELS if (found := _points(table, panel))]
    if not shown:
        return None
    figure = new_figure(4.4 * len(shown), 3.7)
    for index, (panel, found) in enumerate(shown, start=1):
        axes = figure.add_subplot(1, len(shown), index)
        _draw_panel(axes, panel, found, colours)
    names = dict.fromkeys(policy for _, found in shown for policy in found)
    handles = {handle.get_label(): handle for axes in figure.axes for handle in axes.get_lines()}
    labels = [policy_label(policy) for policy in names]
    figure.legend([handles[label] for label in labels], labels, loc="outside upper left", ncols=len(labels))
    return figure


def frontier(table: Table) -> Picture | None:
    """The picture for the page; None where the table has no policy with both figures."""
    with style(SENTINELS):
        figure = draw_frontier(table, SENTINELS)
        if figure is None:
            return None
        metrics = [metric_of(name) for panel in PANELS for name in (panel.x, panel.y)]
        rows = [
            (policy_label(policy), *(with_interval(metric, table[policy].get(metric.name)) for metric in metrics))
            for policy in policies_of(table)
        ]
        numbers = Grid(("Policy", *(metric.label for metric in metrics)), tuple(rows))
        words = "; ".join(
            f"{row[0]}: " + ", ".join(f"{metric.label} {text}" for metric, text in zip(metrics, row[1:], strict=True))
            for row in rows
        )
        return picture(figure, "frontier", "Helpfulness against harmlessness, a point a policy", words, numbers)


def rounds(table: Table) -> Picture | None:
    """A small chart a metric: the first response, the rounds, then the policies; None without rounds."""
    names = rounds_of(table)
    metrics = [metric for metric in ROUND_METRICS if any(_known(table[name].get(metric.name)) for name in names)]
    if not metrics:
        return None
    with style(SENTINELS):
        num_rows = math.ceil(len(metrics) / COLUMNS)
        figure = new_figure(8.8, 1.75 * num_rows + 0.25)
        figure.supxlabel("revision round, then the policies", color=SENTINELS["muted"], fontsize=9)
        for index, metric in enumerate(metrics):
            _draw_rounds(figure.add_subplot(num_rows, COLUMNS, index + 1), metric, table)
        rows = tuple(
            (policy_label(name), *(with_interval(metric, table[name].get(metric.name)) for metric in metrics))
            for name in (*names, *policies_of(table))
        )
        numbers = Grid(("Responses of", *(metric.label for metric in metrics)), rows)
        first, last = rows[0], rows[len(names) - 1]
        changes = zip(metrics, first[1:], last[1:], strict=True)
        words = "From the first response to the last round: " + "; ".join(
            f"{m.label} {a} to {b}" for m, a, b in changes
        )
        return picture(figure, "rounds", "Scores by revision round", words, numbers)


def _points(table: Table, panel: Panel) -> Mapping[str, tuple[Estimate, Estimate]]:
    found: dict[str, tuple[Estimate, Estimate]] = {}
    for policy in policies_of(table):
        x, y = table[policy].get(panel.x), table[policy].get(panel.y)
        if _known(x) and _known(y):
            found[policy] = (x, panel.turn(y))
    return found


def _draw_panel(axes: Axes, panel: Panel, found: Mapping[str, tuple[Estimate, Estimate]], colours: Colours) -> None:
    elo = metric_of(panel.x).elo
    for policy, (x, y) in found.items():
        colour = colours[colour_of(policy)]
        spread = [[[part] for part in _around(given)] for given in (x, y)]
        axes.errorbar(
            [x.mean], [y.mean], xerr=spread[0], yerr=spread[1],
            fmt="none", ecolor=colour, elinewidth=1.2, capsize=2.5,
        )  # fmt: skip
        axes.plot([x.mean], [y.mean], marker_of(policy), color=colour, markersize=8, label=policy_label(policy))
    _limit(axes.set_xlim, [x for x, _ in found.values()], elo)
    _limit(axes.set_ylim, [y for _, y in found.values()], elo)
    if not elo:
        percent_axis(axes, "x")
        percent_axis(axes, "y")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.set_title(panel.title)
    axes.set_xlabel(f"{panel.x_label} →")
    axes.set_ylabel(f"{panel.y_label} →")


def _limit(set_limits: Callable[[float, float], object], estimates: Sequence[Estimate], elo: bool) -> None:
    """Room for all intervals, a least span, and for shares not much beyond 0 and 1."""
    low, high = min(given.low for given in estimates), max(given.high for given in estimates)
    missing = max(0.0, LEAST_SPAN[elo] - (high - low)) / 2
    low, high = low - missing, high + missing
    if not elo:
        low, high = low - max(0.0, high - 1), high + max(0.0, -low)  # moved back into the range, not cut off
        low, high = max(0.0, low), min(1.0, high)
    margin = 0.05 * (high - low)
    set_limits(low - margin, high + margin)


def _draw_rounds(axes: Axes, metric: Metric, table: Table) -> None:
    """Rounds on a line at 0, 1, …; after a gap the policies, each at a place of its own."""
    names, policies = rounds_of(table), policies_of(table)
    muted = SENTINELS["muted"]
    places = [(float(index), name) for index, name in enumerate(names)]
    known = [(place, found) for place, name in places if _known(found := table[name].get(metric.name))]
    _draw_estimates(axes, known, muted, "o", "-")
    shown = [policy for policy in policies if policy != policies[0]] if len(policies) > 1 else policies
    places += [(len(names) + 0.3 + index, policy) for index, policy in enumerate(shown)]
    for place, policy in places[len(names) :]:
        found = table[policy].get(metric.name)
        if _known(found):
            _draw_estimates(axes, [(place, found)], SENTINELS[colour_of(policy)], marker_of(policy), "none")
    labels = [str(round_of(name)) for name in names] + [policy_label(policy).removesuffix("-CAI") for policy in shown]
    axes.set_xticks([place for place, _ in places], labels)
    axes.set_xlim(-0.5, places[-1][0] + 0.6)
    axes.grid(False, axis="x")
    axes.set_title(metric.label)
    if metric.elo:
        axes.axhline(0, color=SENTINELS["grid"], linewidth=1)
    else:
        percent_axis(axes)
        share_limits(axes)


def _draw_estimates(axes: Axes, found: Sequence[tuple[float, Estimate]], colour: str, marker: str, line: str) -> None:
    below, above = zip(*(_around(estimate) for _, estimate in found), strict=True) if found else ((), ())
    axes.errorbar(
        [place for place, _ in found], [estimate.mean for _, estimate in found], yerr=[below, above],
        color=colour, marker=marker, markersize=4.5, linestyle=line, elinewidth=1, capsize=2,
    )  # fmt: skip


def _around(estimate: Estimate) -> tuple[float, float]:
    """How far the interval reaches below and above the mean, never negative, as Matplotlib wants it."""
    return max(0.0, estimate.mean - estimate.low), max(0.0, estimate.high - estimate.mean)


def _known(estimate: Estimate | None) -> TypeGuard[Estimate]:
    return estimate is not None and math.isfinite(estimate.mean)
