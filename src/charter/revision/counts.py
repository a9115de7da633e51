"""What the manifest says of a part's chains: sums only, so that the counts of parts add up to the stage's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from charter.revision.hygiene import FLAGS
from charter.types import Completion, RevisionChain


def count_hygiene(chains: Iterable[RevisionChain]) -> dict[str, int]:
    """How many chains, revisions, flawed revisions, revisions under each hygiene flag, and tokens; zeros included."""
    counts: Counter[str] = Counter()
    for chain in chains:
        counts["chains"] += 1
        counts["truncated_first"] += chain.first.stop == "length"
        counts.update(_tokens(chain.first))
        for revision in chain.revisions:
            counts["revisions"] += 1
            counts["flawed"] += revision.flawed
            counts.update(revision.hygiene)
            counts.update(_tokens(revision.critique))
            counts.update(_tokens(revision.response))
    totals = ("chains", "revisions", "flawed", "truncated_first", *FLAGS, "tokens", "prompt_tokens")
    return {name: counts[name] for name in totals}


def _tokens(completion: Completion) -> dict[str, int]:
    return {"tokens": completion.tokens, "prompt_tokens": completion.prompt_tokens}
