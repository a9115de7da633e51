from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from calling import Call
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from charter.cli.across import across_runs
from charter.cli.tabulate import rendered_table, shown_estimate
from charter.types import Estimate
from charter.world.targets import TARGETS

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=5)


def tables(shares: list[float], metric: str = "helped") -> list[dict[str, dict[str, Estimate]]]:
    return [{"rl_cai": {metric: Estimate(share, share, share, 9)}} for share in shares]


def test_the_json_table_is_policies_metrics_and_intervals_and_nothing_else(call: Call, run_path: Path) -> None:
    table = json.loads(call("table", run_path, "--json").stdout)
    assert set(table) == {"helpful_only", "sl_cai", "rl_cai", "revision_0", "revision_1"}
    assert {"on_grammar", "harmlessness_elo", "helpfulness_elo", "insulting"} <= set(table["rl_cai"])
    assert all(set(cell) == {"mean", "low", "high"} for row in table.values() for cell in row.values())


def test_of_several_runs_the_table_says_how_many_and_warns_of_one_seed_twice(call: Call, run_path: Path) -> None:
    called = call("table", run_path, run_path)
    assert called.code == 0
    assert "mean over 2 runs, seeds 0, 0" in called.stdout and "the same seed" in called.stderr
    assert set(json.loads(call("table", run_path, run_path, "--json").stdout)) >= {"helpful_only", "rl_cai"}


@given(SHARES)
def test_the_mean_over_runs_lies_in_its_interval_and_shares_stay_shares(shares: list[float]) -> None:
    found = across_runs(tables(shares))["rl_cai"]["helped"]
    assert found.mean == pytest.approx(sum(shares) / len(shares))
    assert 0 <= found.low <= found.mean + 1e-12 and found.mean - 1e-12 <= found.high <= 1
    assert found.n == len(shares)


def test_the_interval_over_three_seeds_is_students() -> None:
    found = across_runs(tables([10.0, 20.0, 30.0], "helpfulness_elo"))["rl_cai"]["helpfulness_elo"]
    assert (found.mean, found.high - found.mean) == (20.0, pytest.approx(4.302653 * 10 / math.sqrt(3), rel=1e-5))
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_a_run_without_a_figure_is_left_out_of_it_and_counted() -> None:
    found = across_runs([*tables([0.4, math.nan, 0.6]), {}])["rl_cai"]["helped"]
    assert (found.mean, found.n, found.unusable) == (pytest.approx(0.5), 2, 2)
    assert across_runs(tables([math.nan, math.nan]))["rl_cai"]["helped"].n == 0


def test_one_run_keeps_its_own_intervals() -> None:
    (table,) = tables([0.3])
    assert across_runs([table]) == table


def test_figures_are_shown_in_percent_and_points() -> None:
    assert shown_estimate("helped", Estimate(0.724, 0.681, 0.763, 9)) == "72.4 (68.1–76.3)"
    assert shown_estimate("helpfulness_elo", Estimate(85.2, 40, 131, 9)) == "+85 (+40 to +131)"
    assert shown_estimate("helped", Estimate(math.nan, 0, 1, 0)) == shown_estimate("helped", None) == "–"


def test_targets_are_held_against_the_default_world_alone(call: Call, run_path: Path) -> None:
    assert "missed" not in call("table", run_path).stdout
    table = {"rl_cai": {"helped": Estimate(0.96, 0.9, 1, 9), "evasive": Estimate(0.5, 0.4, 0.6, 9)}}
    console = Console(width=120)
    with console.capture() as captured:
        console.print(rendered_table(table, "t", TARGETS))
    assert "≥ 95 met" in captured.get() and "≤ 2 missed" in captured.get()


def test_a_run_without_a_table_says_what_makes_it(call: Call, own_run: Path) -> None:
    shutil.rmtree(own_run / "8-matches")
    called = call("table", own_run)
    assert called.code == 2 and f"charter evaluate {own_run}" in called.stderr
