"""The choices' probabilities, read from the tokens that a model wrote and the alternatives to each.

The written tokens are followed until a choice is decided. At each token, every alternative that decides for one choice
(what stands so far begins no other) adds its probability, times that of the tokens before it. What a choice has after
the token that decides for it is not asked about: after "(A" nearly all is ")". An alternative that decides nothing
and wasn't written has probability on neither choice, as far as anybody knows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from charter.models.server.replies import Position


def walked(positions: Sequence[Position], choices: Sequence[str]) -> tuple[float, ...]:
    """A log-probability (nats) a choice, -inf where none of the tokens seen leads to it."""
    wanted = [choice.strip() for choice in choices]
    found = [0.0] * len(wanted)
    before, reached = "", 1.0
    for position in positions:
        for token, logprob in position.top.items():
            decided = decides(before + token, wanted)
            if decided is not None:
                found[decided] += reached * math.exp(min(logprob, 0.0))
        before += position.token
        reached *= math.exp(min(position.logprob, 0.0))
        if not _is_open(before, wanted):
            break
    total = max(1.0, sum(found))  # rounding may lift the sum above 1
    return tuple(math.log(value / total) if value > 0 else -math.inf for value in found)


def decides(text: str, choices: Sequence[str]) -> int | None:
    """The one choice that ``text`` begins, or begins with; None if it is several or none. Spaces before don't count."""
    begun = text.lstrip()
    fitting = [index for index, choice in enumerate(choices) if _fits(begun, choice)]
    return fitting[0] if len(fitting) == 1 else None


def chosen(text: str, choices: Sequence[str]) -> int | None:
    """The choice that a whole answer gives: it begins with it, perhaps marked up (``**(A)**``)."""
    begun = text.lstrip(" \t\r\n*_`\"'")
    fitting = [index for index, choice in enumerate(choices) if begun.startswith(choice.strip())]
    return max(fitting, key=lambda index: len(choices[index].strip()), default=None)


def _is_open(text: str, choices: Sequence[str]) -> bool:
    """Whether what stands so far decides nothing yet, and still may."""
    begun = text.lstrip()
    return decides(text, choices) is None and (not begun or any(choice.startswith(begun) for choice in choices))


def _fits(begun: str, choice: str) -> bool:
    return bool(begun) and (choice.startswith(begun) or begun.startswith(choice))
