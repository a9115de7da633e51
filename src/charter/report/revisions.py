"""What hygiene found in the revisions, round by round, added up while the chains stream by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from charter.types import FLAWS, RevisionChain


@dataclass(slots=True)
class RoundHygiene:
    """One round's revisions: how many, how many unfit to learn from, how many under each flag."""

    revisions: int = 0
    flawed: int = 0
    flags: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Hygiene:
    """All rounds, the first first. ``chains`` counts prompts that were revised, ``samples`` answers left alone."""

    chains: int = 0
    samples: int = 0
    truncated_first: int = 0
    rounds: list[RoundHygiene] = field(default_factory=list[RoundHygiene])

    def add(self, chain: RevisionChain) -> None:
        """Counts one more chain."""
        if chain.revisions:
            self.chains += 1
        else:
            self.samples += 1
        self.truncated_first += chain.first.stop == "length"
        for index, revision in enumerate(chain.revisions):
            if index == len(self.rounds):
                self.rounds.append(RoundHygiene())
            self.rounds[index].revisions += 1
            self.rounds[index].flawed += revision.flawed
            self.rounds[index].flags.update(revision.hygiene)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that occur, those that make a revision unfit first."""
        found = {flag for round_hygiene in self.rounds for flag in round_hygiene.flags}
        return tuple(sorted(found, key=lambda flag: (flag not in FLAWS, flag)))
