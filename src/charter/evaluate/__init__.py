"""Stage 8: policies on held-out prompts: shares by the truth, and Elo by the judge."""

from charter.evaluate.answers import answer
from charter.evaluate.elo import ANCHOR, elo
from charter.evaluate.matches import AXES, Axis, LabelMatches, axis_constitution, pair_up, play, ratings
from charter.evaluate.metrics import METRICS, ON_GRAMMAR, Metric, estimate, measure, share
from charter.evaluate.table import Table, table_from_records, table_to_json, table_to_records

__all__ = [
    "ANCHOR",
    "AXES",
    "METRICS",
    "ON_GRAMMAR",
    "Axis",
    "LabelMatches",
    "Metric",
    "Table",
    "answer",
    "axis_constitution",
    "elo",
    "estimate",
    "measure",
    "pair_up",
    "play",
    "ratings",
    "share",
    "table_from_records",
    "table_to_json",
    "table_to_records",
]
