"""Small JSON documents that carry a digest of themselves, so that an edited or damaged one is found.

A seal guards against accidents and careless edits, not against someone who computes it again: that is what
``run_digest``, kept elsewhere, is for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from charter.digests import digest_of
from charter.errors import DamageError, RunError

FORMAT_VERSION = 1  # of everything in a run folder; a change that older code can't read raises it


def seal(document: Mapping[str, Any], indent: int | None = None) -> bytes:
    """The document as JSON, with ``format`` and ``seal`` added."""
    versioned = {"format": FORMAT_VERSION, **document}
    return json.dumps({**versioned, "seal": digest_of(versioned)}, indent=indent).encode() + b"\n"


def unseal(data: bytes, path: Path) -> dict[str, Any]:
    """The document without its ``format`` and ``seal``; ``path`` is where it was read, for messages.

    Raises ``RunError`` if a newer version of Charter wrote it, ``DamageError`` if it isn't what was sealed.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise damage(path, "is not the JSON that was written") from error
    if not isinstance(document, dict):
        raise damage(path, "is not the JSON that was written")
    document = cast("dict[str, Any]", document)
    version, found = document.get("format"), document.pop("seal", None)
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise RunError(
            f"{path} was written by a newer version of Charter (run format {version}; this one reads {FORMAT_VERSION})",
            "Install that version, or start a new run with another --out.",
        )
    if found != digest_of(document):
        raise damage(path, "was changed after it was written")
    del document["format"]
    return document


def damage(path: Path, what: str) -> DamageError:
    """The error for a damaged file of a stage (or of a run), with the ways on."""
    return DamageError(
        f"{path} {what}",
        "Restore the file from a copy; or remove its stage's folder and those of the stages after it, and run again.",
    )
