"""Numbers as a reader sees them. What is not a number is a dash."""

from __future__ import annotations

import math

from charter.report.names import Metric
from charter.types import Estimate

NONE = "–"


def percent(value: float | None, digits: int = 1) -> str:
    return NONE if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f} %"


def points(value: float | None) -> str:
    """Elo points, with their sign."""
    if value is None or not math.isfinite(value):
        return NONE
    return "0" if round(value) == 0 else f"{value:+.0f}".replace("-", "\u2212")


def number(value: float | None) -> str:
    """Three significant digits, or a whole number as it is."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "\u2212")
    return f"{value:.3g}".replace("-", "\u2212")


def whole(value: int) -> str:
    return f"{value:,}"


def duration(seconds: float) -> str:
    """``1 h 02 min``, ``3 min 20 s``, ``4.1 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60:02d} min"


def mean_of(metric: Metric, estimate: Estimate | None) -> str:
    """An estimate's mean in the metric's unit."""
    mean = None if estimate is None else estimate.mean
    return points(mean) if metric.elo else percent(mean)


def interval_of(metric: Metric, estimate: Estimate | None) -> str:
    """Its 95 % interval likewise; nothing where there is no mean."""
    if estimate is None or not math.isfinite(estimate.mean):
        return ""
    if metric.elo:
        return f"{points(estimate.low)} to {points(estimate.high)}"
    return f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}"


def with_interval(metric: Metric, estimate: Estimate | None) -> str:
    """Both, in one text."""
    interval = interval_of(metric, estimate)
    return f"{mean_of(metric, estimate)} ({interval})" if interval else mean_of(metric, estimate)
