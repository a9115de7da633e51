"""Text from models and files, made safe to print: what would steer a terminal is shown as its escape instead."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidirectional marks), surrogates, unassigned
_JOINERS = "\u200c\u200d"  # Persian, the Indic scripts and emoji need them, and they move no cursor


def printable(text: str, keep: str = "") -> str:
    """``text`` with every control and formatting character written out (``\\x1b``), but for those in ``keep``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character in keep or character in _JOINERS or not _hidden(character) else _escaped(character)
        for character in text
    )


def printable_lines(text: str) -> str:
    """The same for a text of several lines: line ends and tabs stay."""
    return printable(text, keep="\n\t")


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
