from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.errors import BudgetError
from charter.models.budget import Cost, Ledger
from charter.recipe import Budget


def ledger(folder: Path, **limits: float) -> Ledger:
    return Ledger(folder / "spending.sqlite", Budget.model_validate(limits))


def test_a_call_that_may_go_beyond_the_limit_is_not_made_and_says_what_was_spent(tmp_path: Path) -> None:
    found = ledger(tmp_path, tokens=100)
    found.settle(found.reserve(Cost(1, 60)), Cost(1, 50))
    with pytest.raises(BudgetError, match=r"beyond 100 tokens \(50 spent\)\n.*--set budget\.tokens=\.\.\."):
        found.reserve(Cost(1, 51))
    assert found.spent == Cost(1, 50)
    found.reserve(Cost(1, 50))


@pytest.mark.parametrize(("unit", "limit"), [("calls", 2), ("tokens", 20), ("money", 0.2)])
def test_each_unit_has_its_limit(tmp_path: Path, unit: str, limit: float) -> None:
    found = ledger(tmp_path, **{unit: limit})
    for _ in range(2):
        found.settle(found.reserve(Cost(1, 10, 0.1)), Cost(1, 10, 0.1))
    with pytest.raises(BudgetError, match=unit):
        found.reserve(Cost(1, 10, 0.1))


def test_spending_outlives_the_process_and_open_calls_count_at_their_most(tmp_path: Path) -> None:
    found = ledger(tmp_path)
    found.settle(found.reserve(Cost(1, 60, 0.5)), Cost(1, 50, 0.25))
    found.reserve(Cost(1, 40, 0.5))  # never came back: the process was killed
    assert ledger(tmp_path).spent == Cost(2, 90, 0.75)


def test_a_budget_below_what_is_spent_is_refused_at_once_and_goes_on_when_raised(tmp_path: Path) -> None:
    found = ledger(tmp_path)
    found.settle(found.reserve(Cost(1, 60)), Cost(1, 60))
    with pytest.raises(BudgetError, match=r"below what .* has spent already: 50 tokens \(60 spent\)"):
        ledger(tmp_path, tokens=50)
    assert ledger(tmp_path, tokens=60).spent == Cost(1, 60)
    ledger(tmp_path, tokens=70).reserve(Cost(1, 10))


def test_a_call_waits_for_those_in_flight_which_mostly_cost_less_than_their_most(tmp_path: Path) -> None:
    found = ledger(tmp_path, tokens=100)
    first = found.reserve(Cost(1, 80))
    waiting = threading.Timer(0.05, lambda: found.settle(first, Cost(1, 10)))
    waiting.start()
    assert found.reserve(Cost(1, 80)) != first
    waiting.join()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1)), max_size=12))
def test_nothing_is_ever_spent_beyond_the_limit(
    tmp_path_factory: pytest.TempPathFactory, limit: int, calls: list[tuple[int, float]]
) -> None:
    found = ledger(tmp_path_factory.mktemp("budget"), tokens=limit)
    for most, share in calls:
        try:
            number = found.reserve(Cost(1, most))
        except BudgetError:
            assert found.spent.tokens + most > limit
            continue
        found.settle(number, Cost(1, int(most * share)))
        assert found.spent.tokens <= limit
