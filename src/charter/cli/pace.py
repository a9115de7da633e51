"""How far a stage is, how fast it goes, and how long it has to go: what bars and plain lines both show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHOWN = ("loss", "score", "reward", "kl", "length", "truth: harmful_compliance", "truth: helped")
"""The figures worth watching, in this order. A stage has some of them, or none."""


@dataclass(slots=True)
class Pace:
    """One stage under way. Times are seconds of a monotonic clock.

    The rate is that of this session, from its first report on: that one says what was done before.
    """

    stage: str
    total: int
    unit: str
    done: int = 0
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    _first_done: int | None = None
    _first_time: float = 0.0
    _last_time: float = 0.0

    def tell(self, done: int, figures: Mapping[str, float], now: float) -> None:
        """``done`` units are done in all."""
        if self._first_done is None:
            self._first_done, self._first_time = done, now
        self.done, self.figures, self._last_time = done, figures, now

    def seconds_left(self, now: float) -> float | None:
        """At the rate so far; None while that can't be told."""
        if self._first_done is None:
            return None
        made, taken = self.done - self._first_done, self._last_time - self._first_time
        if made <= 0 or taken <= 0 or self.done >= self.total:
            return None
        return max(0.0, (self.total - self.done) * taken / made - (now - self._last_time))

    def shown_figures(self) -> str:
        """``loss 0.31 · kl 4.2``."""
        return " · ".join(
            f"{name.removeprefix('truth: ').replace('_', ' ')} {self.figures[name]:.3g}"
            for name in SHOWN
            if name in self.figures
        )


def duration(seconds: float) -> str:
    """``8 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def amount(number: int) -> str:
    """``950``, ``12.3k``, ``4.56M``."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if number >= size:
            return f"{number / (10**3 if letter == 'k' else size):.3g}{letter}"
    return str(number)
