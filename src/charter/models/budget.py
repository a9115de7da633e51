"""What a run spends on servers, and where it stops: before a limit in calls, tokens or money is passed.

Before a call goes out, the most that it can cost is written into the run's ledger; when it comes back, what it did
cost. So what is in flight counts at its most, and a process that is killed leaves its open calls standing at that: they
may have been paid for. A call that doesn't fit waits while others are in flight, for they mostly cost less than their
most; if none is and it still doesn't fit, the run stops. With a higher limit it goes on.

A power cut may cost the ledger its last entries: flushing two of them a call would make them the slowest part of it.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from charter.errors import BudgetError
from charter.models.sqlite_file import open_database
from charter.recipe import Budget

LEDGER = "spending.sqlite"
KIND = 0x43485350  # the file's application id: "CHSP"
ROUNDING = 1e-9  # sums of prices may exceed a limit by so much without being beyond it


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls, tokens (prompt and answer) and money."""

    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.calls + other.calls, self.tokens + other.tokens, self.money + other.money)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.calls - other.calls, self.tokens - other.tokens, self.money - other.money)


class Ledger:
    """A run's spending, in a file of its own in the run's folder. One process writes it: the run's one writer."""

    def __init__(self, path: Path, budget: Budget) -> None:
        """Raises ``BudgetError`` if the budget is below what is spent already, ``MemoError`` for no ledger."""
        schema = "CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, calls INT, tokens INT, money REAL)"
        self._path, self._limits = path, _limits_of(budget)
        self._rows: sqlite3.Connection = open_database(path, KIND, schema, flushed=False)
        weakref.finalize(self, self._rows.close)
        self._changed = threading.Condition()
        sums = self._rows.execute("SELECT COUNT(*), SUM(calls), SUM(tokens), TOTAL(money) FROM calls").fetchone()
        self._settled = Cost(sums[1] or 0, sums[2] or 0, sums[3])
        self._in_flight: dict[int, Cost] = {}
        beyond = self._beyond(self._settled)
        if beyond:
            raise BudgetError(
                f"the budget is below what {path.parent} has spent already: {self._stated(beyond)}", _raise_it(beyond)
            )

    @property
    def spent(self) -> Cost:
        """What is spent, with what is in flight at its most."""
        with self._changed:
            return self._committed()

    def reserve(self, most: Cost) -> int:
        """Room for a call that may cost ``most``, by the number under which to settle it. Waits for calls in flight.

        Raises ``BudgetError`` if there is none.
        """
        with self._changed:
            while beyond := self._beyond(self._committed() + most):
                if not self._in_flight:
                    raise BudgetError(
                        f"the budget is spent: the next call may take it beyond {self._stated(beyond)}",
                        f"Nothing is lost. {_raise_it(beyond)}",
                    )
                self._changed.wait()
            added = self._rows.execute("INSERT INTO calls (calls, tokens, money) VALUES (?, ?, ?)", _row(most))
            number = added.lastrowid or 0
            self._in_flight[number] = most
            return number

    def settle(self, number: int, cost: Cost) -> None:
        """What the call did cost: nothing, if it never reached the server or was refused."""
        with self._changed:
            self._rows.execute("UPDATE calls SET calls = ?, tokens = ?, money = ? WHERE id = ?", (*_row(cost), number))
            del self._in_flight[number]
            self._settled += cost
            self._changed.notify_all()

    def _committed(self) -> Cost:
        return sum(self._in_flight.values(), self._settled)

    def _beyond(self, cost: Cost) -> list[str]:
        """The units in which ``cost`` is beyond the budget."""
        amounts = asdict(cost)
        return [unit for unit, limit in self._limits.items() if amounts[unit] > limit * (1 + ROUNDING)]

    def _stated(self, units: list[str]) -> str:
        spent = asdict(self._settled)
        return ", ".join(f"{self._limits[unit]:,.10g} {unit} ({spent[unit]:,.10g} spent)" for unit in units)


def _limits_of(budget: Budget) -> Mapping[str, float]:
    return {unit: limit for unit, limit in budget.model_dump().items() if limit is not None}


def _row(cost: Cost) -> tuple[int, int, float]:
    return cost.calls, cost.tokens, cost.money


def _raise_it(units: list[str]) -> str:
    settings = " ".join(f"--set budget.{unit}=..." for unit in units)
    return f"Run the same command again with a higher limit ({settings}): it goes on where it stopped."
