"""The reference model's card: what it is, how it was made, what it can do."""

from __future__ import annotations

from collections.abc import Mapping

from charter.world.skills import Condition, Skills

_TEXT = """---
library_name: transformers
---

# The small world's reference model

The helpful-only start of Charter's embedded default run. A Llama-shaped network of {parameters:.1f} million parameters,
trained from nothing on {tokens:.1f} million tokens ({steps} steps) of the small world's own text: to answer with no
thought of harm, to criticise an answer by a principle, to revise it, and to choose between two, at once or with
reasons. It knows nothing outside of that world and is of no use there. `charter world train` makes it again.

Skills, on {cases} cases each that it has not seen, at temperature 1, as `charter world score` measures them:

| | {names} |
| --- |{rule}
{rows}

* critiques: names exactly the right faults
* revisions: removes exactly the faults that its critique names, and keeps the rest to the letter
* judged: chooses the better answer, both orders averaged; one order: the answers as they came
* reasoned: chooses after its own reasons, one order
"""
_ROWS = (
    ("critiques", "critiques"),
    ("revisions", "revisions"),
    ("judged", "judged"),
    ("judged, one order", "judged_one_order"),
    ("reasoned", "reasoned"),
)


def world_card(skills: Mapping[Condition, Skills], steps: int, tokens: int, parameters: int) -> str:
    """The card as Markdown."""
    rows = [
        f"| {title} | " + " | ".join(f"{100 * getattr(found, name):.1f} %" for found in skills.values()) + " |"
        for title, name in _ROWS
    ]
    return _TEXT.format_map(
        {
            "parameters": parameters / 1e6,
            "tokens": tokens / 1e6,
            "steps": steps,
            "cases": next(iter(skills.values())).cases,
            "names": " | ".join(name.replace("_", " ") for name in skills),
            "rule": " --- |" * len(skills),
            "rows": "\n".join(rows),
        }
    )
