"""A run's table from disk, and the tables of several runs (seeds of one recipe) as one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from statistics import fmean, stdev

from charter.cli.stages_read import is_complete
from charter.errors import RunError
from charter.evaluate import Table, table_from_records
from charter.records import Run
from charter.stage_names import MATCHES
from charter.types import Estimate

ELO = "_elo"  # ends the name of a rating; every other metric is a share


def read_table(run: Run) -> Table:
    """The table that a run ended with. Raises ``RunError`` if it hasn't, ``DamageError``."""
    stage = run.stage(MATCHES)
    if not is_complete(stage):
        raise RunError(f"{run.path} has no table yet", f"Finish it first, with: charter evaluate {run.path}")
    return table_from_records(json.loads(stage.checked("table.json").read_text(encoding="utf-8")))


def across_runs(tables: Sequence[Table]) -> Table:
    """The mean over runs, with Student's 95 % interval of that mean; ``n`` counts runs. One table stays as it is.

    A run in which a figure could not be had is left out of it, and counted as unusable.
    """
    if len(tables) == 1:
        return tables[0]
    policies = dict.fromkeys(policy for table in tables for policy in table)
    return {
        policy: {
            metric: _across(metric, [table.get(policy, {}).get(metric) for table in tables])
            for metric in dict.fromkeys(metric for table in tables for metric in table.get(policy, {}))
        }
        for policy in policies
    }


def _across(metric: str, found: Sequence[Estimate | None]) -> Estimate:
    usable = [estimate for estimate in found if estimate is not None and not math.isnan(estimate.mean)]
    unusable = len(found) - len(usable)
    if not usable:
        return Estimate(math.nan, 0.0, 1.0, 0, unusable)
    mean = fmean(estimate.mean for estimate in usable)
    if len(usable) == 1:  # nothing says how far another run would lie: that run's own interval is all there is
        return Estimate(mean, usable[0].low, usable[0].high, 1, unusable)
    reach = _student_95(len(usable) - 1) * stdev(estimate.mean for estimate in usable) / math.sqrt(len(usable))
    low, high = mean - reach, mean + reach
    if not metric.endswith(ELO):
        low, high = max(0.0, low), min(1.0, high)
    return Estimate(mean, low, high, len(usable), unusable)


def _student_95(freedom: int) -> float:
    """The 97.5 % point of Student's t with that many degrees of freedom."""
    from scipy.special import stdtrit  # scipy takes a while to import, and one run alone needs none of it

    return float(stdtrit(freedom, 0.975))
