"""Drawing principles by weight.

The paper draws one of its principles afresh for each revision and each comparison, independently and with replacement
(§3.1, §4.1; its released samples repeat a principle within four rounds as often as that predicts). Each draw here has a
seed of its own, so that draws do not depend on their order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate

from charter.errors import ConstitutionError
from charter.seeds import derive_seed
from charter.types import Constitution, Principle


def draw_for_revision(constitution: Constitution, seed: int, *names: str | int) -> Principle:
    """One of the principles that have a critique and a revision request. ``names`` say what the draw is for.

    Raises ``ConstitutionError`` if none has both and a positive weight.
    """
    generator = random.Random(derive_seed(seed, "draw for revision", *names))
    return _draw(_for_revision(constitution), generator)


def draw_for_comparison(constitution: Constitution, seed: int, *names: str | int) -> Principle:
    """One of the principles that have a comparison question. Raises ``ConstitutionError`` likewise."""
    generator = random.Random(derive_seed(seed, "draw for comparison", *names))
    return _draw(_for_comparison(constitution), generator)


def draw_many_for_comparison(constitution: Constitution, k: int, seed: int, *names: str | int) -> tuple[Principle, ...]:
    """``k`` distinct principles with a comparison question, or all if there are no more, in the constitution's order.

    They are drawn one after the other by weight; ``k`` = 1 gives the principle of ``draw_for_comparison``.
    """
    generator = random.Random(derive_seed(seed, "draw for comparison", *names))
    left = _for_comparison(constitution)
    if k >= len(left):
        return tuple(left)
    drawn: set[str] = set()
    for _ in range(k):
        chosen = _draw(left, generator)
        drawn.add(chosen.id)
        left = [principle for principle in left if principle.id != chosen.id]
    return tuple(principle for principle in constitution.principles if principle.id in drawn)


def _for_revision(constitution: Constitution) -> list[Principle]:
    usable = [row for row in constitution.principles if row.critique and row.revision and row.weight > 0]
    if not usable:
        raise ConstitutionError(
            f"constitution {constitution.name!r} has no principle to revise by",
            "Give one a critique request, a revision request and a weight above 0.",
        )
    return usable


def _for_comparison(constitution: Constitution) -> list[Principle]:
    usable = [row for row in constitution.principles if row.comparison and row.weight > 0]
    if not usable:
        raise ConstitutionError(
            f"constitution {constitution.name!r} has no principle to compare by",
            "Give one a comparison question and a weight above 0.",
        )
    return usable


def _draw(principles: Sequence[Principle], generator: random.Random) -> Principle:
    bounds = list(accumulate(principle.weight for principle in principles))
    point = generator.random() * bounds[-1]
    return next((row for row, bound in zip(principles, bounds, strict=True) if point < bound), principles[-1])
