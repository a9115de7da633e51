"""Recorded files compared with those on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from charter.digests import digest_of_file


@dataclass(frozen=True, slots=True)
class Problem:
    """Something amiss with one file. ``path`` is relative to the run's folder."""

    path: str
    kind: Literal["damaged", "missing", "extra"]
    detail: str


def compare(folder: Path, recorded: Mapping[str, str], present: Iterable[str]) -> list[Problem]:
    """Every recorded file of a stage's folder that is missing or damaged, and every present one that isn't recorded."""
    problems: list[Problem] = []
    for name, digest in sorted(recorded.items()):
        if not (folder / name).is_file():
            problems.append(Problem(f"{folder.name}/{name}", "missing", "recorded, but not there"))
        elif digest_of_file(folder / name) != digest:
            problems.append(Problem(f"{folder.name}/{name}", "damaged", "its digest is not the one recorded"))
    extra = sorted(set(present) - set(recorded))
    return problems + [Problem(f"{folder.name}/{name}", "extra", "no manifest names it") for name in extra]
