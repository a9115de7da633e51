"""From a Matplotlib figure to SVG that can stand in the page: themed, named, deterministic, with its text as text."""

from __future__ import annotations

import io
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from cycler import cycler
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from charter.printable import printable
from charter.report.palette import SENTINELS, Colours

FONTS = "'DejaVu Sans', Verdana, system-ui, sans-serif"  # Matplotlib lays out by the first, which few readers have


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts: what a picture shows, in numbers, or a table of its own."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG, the words for those who can't see it, and its numbers."""

    svg: Markup
    numbers: Grid


@contextmanager
def style(colours: Colours, salt: str = "charter") -> Generator[None]:
    """Within it figures are drawn in these colours, alike on every machine whatever its own settings are."""
    ink, muted, grid = colours["ink"], colours["muted"], colours["grid"]
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none",
                "svg.hashsalt": salt,
                "text.parse_math": False,
                "font.size": 9,
                "axes.titlesize": 9,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.axisbelow": True,
                "axes.grid": True,
                "axes.facecolor": "none",
                "axes.edgecolor": muted,
                "axes.prop_cycle": cycler(color=[ink]),
                "axes.labelcolor": muted,
                "axes.titlecolor": ink,
                "figure.facecolor": "none",
                "figure.edgecolor": "none",
                "savefig.facecolor": "none",
                "savefig.edgecolor": "none",
                "grid.color": grid,
                "grid.linewidth": 0.6,
                "hatch.color": grid,
                "legend.frameon": False,
                "legend.labelcolor": ink,
                "lines.linewidth": 1.5,
                "text.color": ink,
                "xtick.color": muted,
                "ytick.color": muted,
                "xtick.labelsize": 8,
                "ytick.labelsize": 8,
            }
        )
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure of that size in inches, laid out without overlaps, in no window and no global list."""
    return Figure(figsize=(width, height), layout="constrained")


def picture(figure: Figure, name: str, title: str, description: str, numbers: Grid) -> Picture:
    """The figure as a part of the page. ``name`` sets its ids apart from those of other pictures."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    drawn = buffer.getvalue()
    box = " ".join(f"{72 * side:g}" for side in figure.get_size_inches())  # points
    width, height = (f"{96 * side:g}" for side in figure.get_size_inches())  # a browser's pixels
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 : drawn.rindex("</svg>")]
    opening = Markup(
        '<svg viewBox="0 0 {box}" width="{width}" height="{height}" role="img" aria-labelledby="{n}-title {n}-desc">'
        '<title id="{n}-title">{title}</title><desc id="{n}-desc">{description}</desc>'
    ).format(box=box, width=width, height=height, n=name, title=printable(title), description=printable(description))
    return Picture(opening + Markup(_themed(_renamed(body, name))) + Markup("</svg>\n"), numbers)


def percent_axis(axes: Axes, which: str = "y") -> None:
    """Shares on an axis are read as percent."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


def share_limits(axes: Axes) -> None:
    """A share's axis starts at 0, with room below for what lies there, and spans 5 percent at least."""
    top = max(0.05, axes.get_ylim()[1])
    axes.set_ylim(-0.04 * top, top)


def _renamed(body: str, name: str) -> str:
    """Ids made unique in the page, and XLink, which a page doesn't need, left out."""
    body = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", body)
    return re.sub(r'xlink:href="#([^"]*)"', rf'href="#{name}-\1"', body)


def _themed(body: str) -> str:
    """The sentinels replaced by the page's variables, and the fonts by those of a browser."""
    body = re.sub(r"'DejaVu Sans'[^;\"]*", FONTS, body)
    for name, sentinel in SENTINELS.items():
        body = body.replace(sentinel, f"var(--{name})")
    return body
