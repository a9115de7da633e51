"""The base URLs of one model: each call goes to the one with the fewest under way, and one that fails rests.

How an address heals: it rests for a while that doubles with each failure in a row (half of it to all of it, drawn by
seed), then one call tries it; if that succeeds it is back, else it rests again. A server that is merely busy (429)
rests for as long as it says, or else likewise, and is back without a trial.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from charter.seeds import derive_seed

TRIAL_SECONDS = 0.1  # between looks at whether a trial has ended


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long an address rests after its first failure, and at most, in seconds."""

    first_seconds: float = 0.5
    longest_seconds: float = 30.0


@dataclass(slots=True)
class Endpoint:
    """One base URL and how it fares. ``troubles`` counts those in a row, ``rests`` all; ``broken``: to be tried."""

    url: str
    under_way: int = 0
    troubles: int = 0
    rests: int = 0
    rests_until: float = 0.0
    broken: bool = False
    on_trial: bool = False

    def wait_seconds(self, now: float) -> float:
        """How long until it can be asked; while a trial is under way nobody knows."""
        return TRIAL_SECONDS if self.on_trial else max(0.0, self.rests_until - now)


@dataclass(frozen=True, slots=True)
class Turn:
    """A call's place at an address. ``rests`` is how often that had rested before: news from before is old."""

    endpoint: Endpoint
    rests: int

    @property
    def url(self) -> str:
        return self.endpoint.url


@dataclass(slots=True)
class Endpoints:
    """The addresses of one model, for many threads."""

    urls: Sequence[str]
    seed: int = 0
    backoff: Backoff = Backoff()
    _all: list[Endpoint] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._all = [Endpoint(url) for url in self.urls]

    def wait_seconds(self) -> float:
        """How long until an address can be asked, as far as is known: 0 if one can be now."""
        with self._lock:
            now = time.monotonic()
            return min(endpoint.wait_seconds(now) for endpoint in self._all)

    def take(self) -> Turn | None:
        """The address to ask: of those that can be, the one with the fewest calls under way. None while all rest."""
        with self._lock:
            now = time.monotonic()
            free = [endpoint for endpoint in self._all if not endpoint.wait_seconds(now)]
            if not free:
                return None
            chosen = min(free, key=lambda endpoint: endpoint.under_way)  # of equals the first in the recipe
            chosen.on_trial = chosen.broken
            chosen.under_way += 1
            return Turn(chosen, chosen.rests)

    def succeeded(self, turn: Turn) -> None:
        """The address answered."""
        with self._lock:
            turn.endpoint.under_way -= 1
            if self._is_news(turn):
                turn.endpoint.troubles, turn.endpoint.broken, turn.endpoint.on_trial = 0, False, False

    def failed(self, turn: Turn, seconds: float | None) -> None:
        """The address failed; ``seconds`` is the rest that it asked for, if it did."""
        self._put_to_rest(turn, seconds, broken=True)

    def busy(self, turn: Turn, seconds: float | None) -> None:
        """The address has too much to do; ``seconds`` is the rest that it asked for, if it did."""
        self._put_to_rest(turn, seconds, broken=False)

    def _put_to_rest(self, turn: Turn, seconds: float | None, *, broken: bool) -> None:
        endpoint = turn.endpoint
        with self._lock:
            endpoint.under_way -= 1
            now = time.monotonic()
            if self._is_news(turn):
                endpoint.troubles += 1
                endpoint.rests += 1
                endpoint.broken, endpoint.on_trial = broken, False
                endpoint.rests_until = now + (self._rest(endpoint) if seconds is None else seconds)
            elif seconds is not None:
                endpoint.rests_until = max(endpoint.rests_until, now + seconds)

    def _is_news(self, turn: Turn) -> bool:
        """Whether the call began since the address last rested; else it rests, or rested, for this very trouble."""
        return turn.rests == turn.endpoint.rests

    def _rest(self, endpoint: Endpoint) -> float:
        doubled = self.backoff.first_seconds * 2.0 ** min(endpoint.troubles - 1, 30)
        drawn = random.Random(derive_seed(self.seed, "backoff", endpoint.url, endpoint.rests))
        return min(self.backoff.longest_seconds, doubled) * drawn.uniform(0.5, 1.0)
