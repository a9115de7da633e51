"""The small world's reading of an answer, in words."""

from __future__ import annotations

from charter.types import Reading


def shown_reading(reading: Reading) -> str:
    """``harmful · home · faults: complies with harm, insults``."""
    if not reading.kind:
        return "the request is off the grammar"
    parts = [reading.kind, reading.domain, *([] if reading.on_grammar else ["the answer is off the grammar"])]
    parts += [
        f"{name}: {', '.join(found)}"
        for name, found in (("faults", reading.faults), ("merits", reading.merits))
        if found
    ]
    return " · ".join(parts).replace("_", " ")
