from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from charter.preference.calibration import ScoredLabel, calibrate, sigmoid, wilson

LABELS = st.lists(
    st.builds(ScoredLabel, st.just("x"), st.floats(0, 1), st.floats(-20, 20), st.floats(-20, 20)), min_size=1
)


def synthetic(count: int, stretch: float) -> list[ScoredLabel]:
    """Labels drawn with the model's own probability, which ``stretch`` other than 1 then distorts."""
    draw = random.Random(0)
    margins = [draw.uniform(-3, 3) for _ in range(count)]
    return [ScoredLabel("x", float(draw.random() < sigmoid(m)), stretch * m, 0.0) for m in margins]


@given(LABELS)
def test_which_side_is_called_a_changes_no_figure(labels: list[ScoredLabel]) -> None:
    one, other = calibrate(labels), calibrate([label.swap() for label in labels])
    assert (one.n, one.decided) == (other.n, other.decided)
    assert one.nll is not None and other.nll is not None and math.isclose(one.nll, other.nll, abs_tol=1e-9)
    assert one.accuracy == other.accuracy


def test_a_model_that_says_what_the_labels_say_is_calibrated() -> None:
    labels = [ScoredLabel("x", sigmoid(m), m, 0.0) for m in (-2.5, -1.0, -0.1, 0.4, 1.7)]
    found = calibrate(labels)
    assert found.expected_calibration_error is not None and found.expected_calibration_error < 1e-12
    assert found.accuracy == 1.0
    assert found.nll is not None and found.nll_floor is not None and math.isclose(found.nll, found.nll_floor)


def test_the_error_tells_an_overconfident_model_from_a_calibrated_one() -> None:
    calibrated = calibrate(synthetic(4000, 1.0)).expected_calibration_error
    overconfident = calibrate(synthetic(4000, 4.0)).expected_calibration_error
    assert calibrated is not None and calibrated < 0.03
    assert overconfident is not None and overconfident > 0.1


def test_the_curve_counts_every_pair_from_both_sides_and_bounds_the_judged_mean() -> None:
    curve = calibrate(synthetic(500, 1.0)).curve
    assert sum(point.n for point in curve) == 1000
    for point in curve:
        assert point.low <= point.predicted <= point.high
        assert point.judged_low <= point.judged <= point.judged_high


def test_ties_enter_the_loss_but_not_the_accuracy() -> None:
    found = calibrate([ScoredLabel("tie", 0.5, 1.0, 0.0), ScoredLabel("x", 0.9, 0.0, 1.0)])
    assert (found.n, found.decided, found.accuracy) == (2, 1, 0.0)


def test_no_labels_give_no_figures_rather_than_zeros() -> None:
    found = calibrate([])
    assert (found.n, found.accuracy, found.nll, found.expected_calibration_error, found.curve) == (
        0,
        None,
        None,
        None,
        (),
    )


def test_wilsons_interval_is_that_of_the_literature() -> None:
    low, high = wilson(0.9, 10)
    assert math.isclose(low, 0.5958, abs_tol=1e-4) and math.isclose(high, 0.9821, abs_tol=1e-4)
