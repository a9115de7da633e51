"""What every form says of a row beside its texts: where it came from, and what is known of it."""

from __future__ import annotations

from charter.export.source import Example, Pair
from charter.export.write import Row


def about_pair(pair: Pair) -> Row:
    """The label's id, the judge's probability that ``chosen`` is better, whether it is a tie, and the prompt's sort.

    No column is called ``margin``: TRL and OpenRLHF would add it to their loss.
    """
    prompt = pair.prompt
    return {
        "id": pair.id,
        "probability": pair.probability,
        "tied": pair.tied,
        "kind": prompt.kind,
        "category": prompt.category,
    }


def about_example(example: Example) -> Row:
    """The record's id (its chain and round; round 0 is a helpful sample), what the answer is, and the prompt's sort."""
    prompt = example.prompt
    return {"id": example.id, "source": example.source, "kind": prompt.kind, "category": prompt.category}
