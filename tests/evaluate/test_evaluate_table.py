from __future__ import annotations

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from charter.evaluate.table import table_from_records, table_to_json, table_to_records
from charter.types import Estimate

UNIT = st.floats(0, 1)
ESTIMATES = st.builds(Estimate, UNIT, UNIT, UNIT, st.integers(0, 999), st.integers(0, 99))
TABLES = st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), ESTIMATES, max_size=3), max_size=3)


@settings(deadline=None)
@given(TABLES)
def test_records_come_back_as_they_were(table: dict[str, dict[str, Estimate]]) -> None:
    assert table_from_records(json.loads(json.dumps(table_to_records(table)))) == table


def test_the_json_table_has_mean_low_and_high() -> None:
    table = {"sl_cai": {"helped": Estimate(0.5, 0.25, 0.75, 10, 2)}}
    assert table_to_json(table) == {"sl_cai": {"helped": {"mean": 0.5, "low": 0.25, "high": 0.75}}}


def test_a_mean_of_nothing_is_null() -> None:
    table = {"sl_cai": {"helped": Estimate(math.nan, 0.0, 1.0, 0, 2)}}
    text = json.dumps(table_to_json(table), allow_nan=False)
    assert json.loads(text)["sl_cai"]["helped"]["mean"] is None
    assert math.isnan(table_from_records(table_to_records(table))["sl_cai"]["helped"].mean)
