"""The run's table, ``{policy: {metric: Estimate}}``, as JSON and back.

``table_to_json`` is the table that people and programs read: mean and interval. ``table_to_records`` keeps the counts
too. A mean that doesn't exist (nothing was readable) is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypedDict

from charter.types import Estimate

Table = dict[str, dict[str, Estimate]]


class Interval(TypedDict):
    mean: float | None
    low: float
    high: float


class Record(Interval):
    n: int
    unusable: int


def table_to_json(table: Mapping[str, Mapping[str, Estimate]]) -> dict[str, dict[str, Interval]]:
    """``{policy: {metric: {"mean", "low", "high"}}}``."""
    return {
        policy: {name: _interval(estimate) for name, estimate in metrics.items()} for policy, metrics in table.items()
    }


def table_to_records(table: Mapping[str, Mapping[str, Estimate]]) -> dict[str, dict[str, Record]]:
    """The same with "n" and "unusable" beside."""
    return {
        policy: {
            name: {**_interval(estimate), "n": estimate.n, "unusable": estimate.unusable}
            for name, estimate in metrics.items()
        }
        for policy, metrics in table.items()
    }


def table_from_records(records: Mapping[str, Mapping[str, Record]]) -> Table:
    """The inverse of ``table_to_records``. Raises ``KeyError`` for a record without its fields."""
    return {
        policy: {
            name: Estimate(
                mean=math.nan if record["mean"] is None else record["mean"],
                low=record["low"],
                high=record["high"],
                n=record["n"],
                unusable=record["unusable"],
            )
            for name, record in metrics.items()
        }
        for policy, metrics in records.items()
    }


def _interval(estimate: Estimate) -> Interval:
    return {"mean": None if math.isnan(estimate.mean) else estimate.mean, "low": estimate.low, "high": estimate.high}
