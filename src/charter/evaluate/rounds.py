"""The answers after each revision round as policies of their own: ``revision_0``, the first response, onwards.

They show where the method's gain comes from (CAI Figure 5), on the same held-out prompts as the policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from charter.types import Answer, RevisionChain


def round_name(round_index: int) -> str:
    """What the answers after that many rounds are called in the table."""
    return f"revision_{round_index}"


def answers_by_round(chains: Sequence[RevisionChain]) -> list[Answer]:
    """Every response of every chain, as an answer of its round."""
    return [
        Answer(
            id=f"answer-{round_name(index)}-{chain.prompt.id}",
            policy=round_name(index),
            prompt=chain.prompt,
            completion=chain.response(index),
        )
        for chain in chains
        for index in range(len(chain.revisions) + 1)
    ]


def match_pairs(policies: Sequence[str], rounds: int) -> list[tuple[str, str]]:
    """Who meets whom: every policy every other, each round the next, and the first policy round 0, which ties them."""
    names = [round_name(index) for index in range(rounds + 1)]
    among = [(first, second) for i, first in enumerate(policies) for second in policies[i + 1 :]]
    return [*among, (policies[0], names[0]), *pairwise(names)]
