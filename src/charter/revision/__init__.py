"""Stage 3: a model critiques and revises its own answers by principles of the constitution (CAI §3.1)."""

from charter.revision.chains import revise
from charter.revision.counts import count_hygiene
from charter.revision.hygiene import FLAGS, Cleaned, clean, examine
from charter.revision.templates import template_digest, with_examples, worked_examples

__all__ = [
    "FLAGS",
    "Cleaned",
    "clean",
    "count_hygiene",
    "examine",
    "revise",
    "template_digest",
    "with_examples",
    "worked_examples",
]
