"""Constitutions by name or by path: shipped ones, YAML files, and folders of the paper's official files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from charter.constitution.file import read_constitution
from charter.constitution.paper import is_paper_folder, read_paper_constitution
from charter.digests import digest_of
from charter.errors import ConstitutionError
from charter.printable import printable
from charter.types import Constitution, Principle
from charter.yaml_file import parse_document

_SHIPPED = files("charter.constitution") / "shipped"


def load_constitution(name_or_path: str | Path) -> Constitution:
    """A shipped constitution by its name, or one from a path: YAML, or the folder (or a file) of the paper's.

    A shipped name wins over a file of that name; write ``./default`` for the file. Raises ``ConstitutionError``.
    """
    return load_with_lines(name_or_path)[0]


def load_with_lines(name_or_path: str | Path) -> tuple[Constitution, Mapping[str, int]]:
    """The same, and the line on which each principle starts, where a file has such lines."""
    if isinstance(name_or_path, str) and name_or_path in shipped_constitutions():
        text = (_SHIPPED / f"{name_or_path}.yaml").read_text(encoding="utf-8")
        name = f"shipped constitution {name_or_path}"
        return read_constitution(parse_document(text, name, ConstitutionError))
    path = Path(name_or_path)
    if not path.exists():
        raise _not_found(str(name_or_path))
    folder = path if path.is_dir() else path.parent
    if (path.is_dir() or path.suffix == ".json") and is_paper_folder(folder):
        return read_paper_constitution(folder), {}
    if path.is_dir():
        raise ConstitutionError(
            f"{printable(str(path))} is a folder without the paper's files", "Name a constitution's YAML file."
        )
    return read_constitution(path)


def shipped_constitutions() -> tuple[str, ...]:
    """The names of the constitutions in the package."""
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".yaml"))
    )


def principle_digest(principle: Principle) -> str:
    """The identity of a principle: every word of it, its weight and its tags."""
    return digest_of(principle)


def constitution_digest(constitution: Constitution) -> str:
    """The identity of a constitution, examples and preamble included."""
    return digest_of(constitution)


def _not_found(given: str) -> ConstitutionError:
    names = shipped_constitutions()
    close = difflib.get_close_matches(given, names, n=1)
    guess = f"; the nearest name is {close[0]}" if close else ""
    return ConstitutionError(
        f"there is no constitution {printable(given)!r}, neither shipped nor a file{guess}",
        f"Shipped ones: {', '.join(names)}. Or give the path of a YAML file.",
    )
