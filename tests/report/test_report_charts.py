"""Pictures: nothing that is missing or not a number breaks one."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from made_runs import calibration, make_run, steps, table

from charter.errors import RunError
from charter.report import save_frontier
from charter.report.charts_counts import costs, label_spread
from charter.report.charts_policies import frontier, policies_of, rounds
from charter.report.charts_training import reinforcement, reliability
from charter.report.data import Calibration
from charter.report.labels import add_up
from charter.types import Estimate


def estimate(mean: float) -> Estimate:
    return Estimate(mean, 0.0 if math.isnan(mean) else mean - 0.1, 1.0 if math.isnan(mean) else mean + 0.1, 10)


def test_what_has_no_mean_is_left_out_of_the_frontier() -> None:
    found = {
        "helpful_only": {"helped": estimate(math.nan), "harmful_compliance": estimate(0.5)},
        "sl_cai": {"helped": estimate(0.9), "harmful_compliance": estimate(0.1)},
    }
    picture = frontier(found)
    assert picture is not None
    assert "SL-CAI" in picture.svg.partition("</desc>")[2]
    assert "Helpful-only" not in picture.svg.partition("</desc>")[2]
    assert picture.numbers.rows[0][:3] == ("Helpful-only", "–", "50.0 % (40.0 to 60.0)")
    assert frontier({"sl_cai": {"helped": estimate(math.nan), "harmful_compliance": estimate(0.1)}}) is None
    assert frontier({}) is None


def test_without_a_truth_the_frontier_is_the_judges_alone() -> None:
    elo = {"helpfulness_elo": Estimate(0, 0, 0, 9), "harmlessness_elo": Estimate(0, 0, 0, 9)}
    picture = frontier({"helpful_only": elo, "rl_cai": elo})
    assert picture is not None
    assert "By the judge" in picture.svg
    assert "By the truth" not in picture.svg


def test_rounds_with_gaps_are_drawn() -> None:
    nothing = {"helped": estimate(math.nan), "insulting": estimate(math.nan)}
    picture = rounds({"revision_10": {"helped": estimate(0.5)}, "revision_2": nothing, "sl_cai": {}})
    assert picture is not None
    assert [row[0] for row in picture.numbers.rows] == ["Round 2", "Round 10", "SL-CAI"]
    assert "Insults" not in picture.svg
    assert rounds({"revision_0": nothing}) is None
    assert rounds({"sl_cai": {"helped": estimate(0.5)}}) is None


def test_a_preference_model_without_held_out_labels_has_no_curve() -> None:
    assert reliability(None) is None
    assert reliability(Calibration.model_validate({**calibration(), "curve": []})) is None
    one = Calibration.model_validate({**calibration(), "curve": calibration()["curve"][:1]})
    assert reliability(one) is not None


def test_reinforcement_is_drawn_with_the_truth_or_without_it() -> None:
    assert reinforcement([]) is None
    picture = reinforcement(steps(1))
    assert picture is not None
    assert "Truth: Complies with harm" in picture.svg
    watched = [{name: value for name, value in row.items() if "truth" not in name} for row in steps(200)]
    del watched[3]["kl"]
    picture = reinforcement(watched)
    assert picture is not None
    assert "Truth" not in picture.svg
    assert picture.numbers.rows[-1][0] == "199"
    assert len(picture.numbers.rows) <= 61


def test_no_labels_and_no_stages_give_no_pictures() -> None:
    assert label_spread(None) is None
    assert label_spread(add_up([])) is None
    assert costs([]) is None


def test_policies_come_in_the_methods_order_and_unknown_ones_last() -> None:
    assert policies_of({"zeta": {}, "rl_cai": {}, "revision_0": {}, "alpha": {}, "helpful_only": {}}) == [
        "helpful_only", "rl_cai", "alpha", "zeta",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "start"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml")])
def test_the_frontiers_picture_is_saved_the_same_each_time(tmp_path: Path, name: str, start: bytes) -> None:
    run = make_run(tmp_path / "run", stages=["8-matches"], rows=table())
    first = save_frontier(run, tmp_path / name).read_bytes()
    assert first.startswith(start)
    assert save_frontier(run, tmp_path / name).read_bytes() == first


def test_a_frontier_that_cannot_be_saved_says_why(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", stages=["8-matches"], rows={"sl_cai": {}})
    with pytest.raises(RunError, match="neither a PNG nor an SVG"):
        save_frontier(run, tmp_path / "f.pdf")
    with pytest.raises(RunError, match="both helpfulness and harmlessness"):
        save_frontier(run, tmp_path / "f.png")
    with pytest.raises(RunError, match="has no table yet"):
        save_frontier(make_run(tmp_path / "begun", stages=["1-prompts"]), tmp_path / "f.png")
