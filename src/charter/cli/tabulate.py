"""The run's table for people: a row a metric, a column a policy, percent and ratings with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table as Grid

from charter.cli.across import ELO
from charter.cli.console import line
from charter.cli.pace import amount, duration
from charter.evaluate import Table
from charter.records import StageManifest
from charter.types import Estimate
from charter.world.targets import Target

ROUND = "revision_"


def rendered_table(table: Table, title: str, targets: Sequence[Target] = ()) -> RenderableType:
    """Policies in one grid, each beside its targets if there are any; the answers after each round in another."""
    policies = [name for name in table if not name.startswith(ROUND)]
    rounds = [name for name in table if name.startswith(ROUND)]
    shown: list[RenderableType] = [line(title, "bold"), _grid(table, policies, targets)]
    if rounds:
        heading = "The start's answers after each round of critique and revision"
        shown += [line(""), line(heading, "bold"), _grid(table, rounds, ())]
    note = line("Shares in percent and Elo points, with 95 % intervals. –: nothing to measure it on.", "dim")
    return Group(*shown, line(""), note)


def rendered_costs(manifests: Sequence[StageManifest]) -> RenderableType:
    """Seconds and tokens a stage."""
    grid = Grid(box=None, pad_edge=False)
    grid.add_column("stage")
    grid.add_column("time", justify="right")
    grid.add_column("tokens", justify="right")
    for manifest in manifests:
        grid.add_row(line(manifest.stage), duration(manifest.seconds), amount(manifest.tokens))
    total = duration(sum(manifest.seconds for manifest in manifests))
    grid.add_row(line("all", "bold"), line(total, "bold"), line(amount(sum(m.tokens for m in manifests)), "bold"))
    return grid


def shown_estimate(metric: str, estimate: Estimate | None) -> str:
    """``72.4 (68.1–76.3)`` for a share, ``+85 (+40 to +131)`` for a rating."""
    if estimate is None or math.isnan(estimate.mean):
        return "–"
    if metric.endswith(ELO):
        return f"{estimate.mean:+.0f} ({estimate.low:+.0f} to {estimate.high:+.0f})"
    return f"{100 * estimate.mean:.1f} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"


def _grid(table: Table, policies: Sequence[str], targets: Sequence[Target]) -> Grid:
    """A row a metric that any of the policies has."""
    known = ((metric, estimate) for policy in policies for metric, estimate in table[policy].items())
    metrics = dict.fromkeys(metric for metric, estimate in known if not math.isnan(estimate.mean))
    grid = Grid(box=None, pad_edge=False)
    grid.add_column("")
    for policy in policies:
        grid.add_column(line(policy), justify="right")
        if targets:
            grid.add_column("target")
    for metric in metrics:
        cells: list[str] = []
        for policy in policies:
            estimate = table[policy].get(metric)
            cells += [
                shown_estimate(metric, estimate),
                *([_against(targets, policy, metric, estimate)] if targets else []),
            ]
        grid.add_row(line(metric.replace("_", " ")), *cells)
    return grid


def _against(targets: Sequence[Target], policy: str, metric: str, estimate: Estimate | None) -> str:
    """``≤ 3 met``, ``≤ 3 missed``; nothing where nobody set a target."""
    target = next((target for target in targets if (target.policy, target.metric) == (policy, metric)), None)
    if target is None:
        return ""
    met = estimate is not None and target.met(estimate.mean)
    return f"{'≥' if target.bound == 'at least' else '≤'} {100 * target.value:g} {'met' if met else 'missed'}"
