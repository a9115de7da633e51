"""One call to a server, until it is answered: budget, limits, the address to ask, retries.

What is tried again: an address that can't be reached, breaks off or answers in something else than JSON (at most
``ATTEMPTS`` times a call), and 429 (as often as it takes). Both together stay within the run's ``limits.retries``.
Everything else is the caller's to judge.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charter.models.budget import Cost, Ledger
from charter.models.server.complaints import complaint, given_up
from charter.models.server.endpoints import Endpoints, Turn
from charter.models.server.replies import first_choice, usage_of
from charter.models.server.throttle import Throttle
from charter.models.server.wire import Fault, Reply, Wire
from charter.recipe import Server

ATTEMPTS = 8
LONGEST_WAIT = 600.0  # seconds for which a server may ask to be left alone before the run stops instead
BUSY = 429
PASSING = frozenset({408, 409, 425, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Weight:
    """A call's size in tokens: the prompt's as estimated and at most, and the answer's at most."""

    prompt: int
    prompt_at_most: int
    answer: int


class Retries:
    """How many calls a run may still repeat."""

    def __init__(self, limit: int) -> None:
        self._left, self._lock = limit, threading.Lock()

    def take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0


@dataclass(frozen=True, slots=True)
class Shared:
    """What all servers of a run share."""

    throttle: Throttle
    ledger: Ledger
    retries: Retries


class HaltedError(Exception):
    """The work that this call belongs to was given up, for a reason that is raised elsewhere."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one model, at whichever of its addresses."""

    server: Server
    wire: Wire
    endpoints: Endpoints
    shared: Shared

    def call(self, path: str, body: Mapping[str, Any], weight: Weight, halt: threading.Event) -> Mapping[str, Any]:
        """The answer's JSON, which holds a choice. Raises ``ServerError``, ``BudgetError``, ``HaltedError``."""
        failures = 0
        while True:
            url, answer = self.once(path, body, weight, halt)
            if isinstance(answer, Reply) and _is_answer(answer):
                return answer.data or {}
            error = complaint(self.server, url, answer)
            if isinstance(answer, Reply):
                if 300 <= answer.status < 500 and answer.status not in (BUSY, *PASSING):
                    raise error
                if (answer.retry_after or 0) > LONGEST_WAIT:
                    raise given_up(error, f"it asks to be left alone for {answer.retry_after:,.0f} seconds")
            failures += not (isinstance(answer, Reply) and answer.status == BUSY)
            if failures >= ATTEMPTS:
                raise given_up(error, f"tried {failures} times")
            if not self.shared.retries.take():
                raise given_up(error, "and limits.retries, the calls that a session may repeat, are used up")

    def once(
        self, path: str, body: Mapping[str, Any], weight: Weight, halt: threading.Event
    ) -> tuple[str, Reply | Fault]:
        """One attempt: the base URL asked, and what came of it, paid for and told to the addresses."""
        number = self.shared.ledger.reserve(self._most(weight))
        estimate = weight.prompt + weight.answer
        cost = Cost()
        try:
            while True:
                with self.shared.throttle.turn(estimate, halt, self.endpoints.wait_seconds) as may_start:
                    if not may_start:
                        raise HaltedError
                    turn = self.endpoints.take()
                    if turn is None:  # somebody else took the trial in between
                        self.shared.throttle.correct(-estimate)
                        continue
                    cost = self._most(weight)  # until it is known better
                    answer = self.wire.send(turn.url + path, body)
                    self._tell(turn, answer)
                cost = self._cost(answer, weight)
                if cost.calls:
                    self.shared.throttle.correct(cost.tokens - estimate)
                return turn.url, answer
        finally:
            self.shared.ledger.settle(number, cost)

    def _tell(self, turn: Turn, answer: Reply | Fault) -> None:
        """Tells the addresses how this one fared."""
        if isinstance(answer, Fault):
            self.endpoints.failed(turn, None)
        elif answer.status == BUSY:
            self.endpoints.busy(turn, answer.retry_after)
        elif _is_answer(answer) or (300 <= answer.status < 500 and answer.status not in PASSING):
            self.endpoints.succeeded(turn)
        else:
            self.endpoints.failed(turn, answer.retry_after)

    def _most(self, weight: Weight) -> Cost:
        return self._priced(weight.prompt_at_most, weight.answer)

    def _cost(self, answer: Reply | Fault, weight: Weight) -> Cost:
        """What an attempt cost: nothing where it was refused, the most where nobody knows."""
        if isinstance(answer, Fault):
            return self._most(weight) if answer.reached else Cost()
        if answer.status != 200:
            return Cost()
        if answer.data is None:
            return self._most(weight)
        usage = usage_of(answer.data)
        return self._priced(
            weight.prompt if usage.prompt is None else usage.prompt,
            weight.answer if usage.completion is None else usage.completion,
        )

    def _priced(self, prompt: int, answer: int) -> Cost:
        prices = self.server.prices
        return Cost(1, prompt + answer, (prompt * prices.prompt + answer * prices.completion) / 1e6)


def _is_answer(answer: Reply | Fault) -> bool:
    """Whether it is what was asked for: a model's answer."""
    return isinstance(answer, Reply) and answer.status == 200 and first_choice(answer.data) is not None
