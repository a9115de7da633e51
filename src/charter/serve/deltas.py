"""A growing text, given away piece by piece, and never a piece that would have to be taken back."""

from __future__ import annotations

from collections.abc import Sequence

PARTIAL = "\ufffd"  # what a character decodes to whose last bytes aren't there yet


class Deltas:
    """``holds`` are texts that may still be cut off the end: a beginning of one at the end is kept back.

    What is left when the text is complete is its end, from the length of all pieces on.
    """

    def __init__(self, holds: Sequence[str]) -> None:
        self._holds = [hold for hold in holds if hold]
        self._given = ""

    def of(self, text: str) -> str:
        """What of ``text``, the whole so far, is new and certain."""
        certain = text[: len(text) - self._held(text)].rstrip(PARTIAL)
        if len(certain) <= len(self._given) or not certain.startswith(self._given):
            return ""
        new = certain[len(self._given) :]
        self._given = certain
        return new

    def _held(self, text: str) -> int:
        """The length of the longest end of ``text`` that a hold begins with."""
        longest = 0
        for hold in self._holds:
            fitting = (n for n in range(min(len(hold), len(text)), longest, -1) if text.endswith(hold[:n]))
            longest = next(fitting, longest)
        return longest
