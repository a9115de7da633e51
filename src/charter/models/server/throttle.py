"""One limit on calls under way, requests a minute and tokens a minute, for all servers of a run together.

Calls start evenly over the minute rather than in a burst at its beginning: many servers count in seconds what they
state in minutes. A start that comes late may be caught up for by ``SLACK`` of the window; the pace is lower by twice
that, once for the catching up and once for the way to the server, so that no window as the server sees it holds more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

MINUTE = 60.0
SLACK = 0.03
LOOK_SECONDS = 0.5  # between looks at whether the work was halted


class Meter:
    """One rate: ``per_window`` units in any ``window_seconds``, evenly."""

    def __init__(self, per_window: int, window_seconds: float) -> None:
        self._slack = SLACK * window_seconds
        self._seconds_a_unit = (window_seconds + 2 * self._slack) / per_window
        self.next_free = 0.0

    def take(self, units: float, now: float) -> None:
        """Uses ``units`` at ``now``, which is not before ``next_free``."""
        self.next_free = max(self.next_free, now - self._slack) + units * self._seconds_a_unit

    def correct(self, units: float) -> None:
        """More units were used than ``take`` was told, or, if negative, fewer."""
        self.next_free += units * self._seconds_a_unit


class Throttle:
    """Lets calls start when the limits have room for them."""

    def __init__(
        self,
        concurrency: int,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        window_seconds: float = MINUTE,
    ) -> None:
        self.concurrency = concurrency
        self._requests = Meter(requests_per_minute, window_seconds) if requests_per_minute else None
        self._tokens = Meter(tokens_per_minute, window_seconds) if tokens_per_minute else None
        self._free = concurrency
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, tokens: int, halt: threading.Event, wait_seconds: Callable[[], float]) -> Generator[bool]:
        """Around one call of about ``tokens``. Waits until it may start; False if ``halt`` is set meanwhile.

        ``wait_seconds`` says how long there is nobody to call; no room is used up until there is.
        """
        if not self._start(tokens, halt, wait_seconds):
            yield False
            return
        try:
            yield True
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def correct(self, tokens: int) -> None:
        """A call used so many tokens more (fewer, if negative) than it was let in with."""
        if self._tokens is not None:
            with self._changed:
                self._tokens.correct(tokens)

    def _start(self, tokens: int, halt: threading.Event, wait_seconds: Callable[[], float]) -> bool:
        meters = [(meter, units) for meter, units in ((self._requests, 1), (self._tokens, tokens)) if meter is not None]
        with self._changed:
            while not halt.is_set():
                now = time.monotonic()
                wait = max([wait_seconds(), *(meter.next_free - now for meter, _ in meters)])
                if self._free > 0 and wait <= 0:
                    self._free -= 1
                    for meter, units in meters:
                        meter.take(units, now)
                    return True
                self._changed.wait(min(wait, LOOK_SECONDS) if wait > 0 else LOOK_SECONDS)
        return False
