"""Recipes on disk: YAML in, a validated ``Recipe`` out, with ``--set`` on top; and canonical YAML back.

Relative paths in a recipe file are meant from the recipe's own folder where they lead to something there, so that a
recipe can travel with its files. Paths given with ``--set`` are meant from the current folder, as everywhere on a
command line. A constitution written without ``/`` and ``.`` is a shipped one's name, never a path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charter.errors import RecipeError
from charter.printable import printable
from charter.recipe import Recipe
from charter.yaml_faults import KeyPath, leaves, nearest
from charter.yaml_file import Document, dump_yaml, parse_document, read_document, validate

KEY_FIELD = "api_key_env"  # what is set there by mistake may be the key itself, and is not repeated
EMBEDDED = "world"  # what models and prompts are called when they are the embedded ones
_PATHS = (
    ("models", "policy"),
    ("models", "judge"),
    ("models", "judge", "tokenizer"),
    ("models", "critic"),
    ("models", "critic", "tokenizer"),
    ("prompts", "source"),
    ("constitution",),
    ("memo",),
)


def load_recipe(path: Path | None, sets: Sequence[str] = ()) -> Recipe:
    """The recipe in a file (all defaults for None), overridden by settings such as ``rl.steps=10``.

    Raises ``RecipeError`` with file, line and field for whatever is wrong.
    """
    document = Document("the default recipe", {}, {}) if path is None else read_document(path, RecipeError)
    validate(Recipe, document, RecipeError)
    data: dict[str, Any] = document.data or {}
    if path is not None:
        _resolve_paths(data, path.parent)
    overrides: dict[KeyPath, str] = {}
    for setting in sets:
        field, value = parse_setting(setting)
        _assign(data, field, value)
        overrides[field] = "--set" if field[-1] == KEY_FIELD else f"--set {printable(setting)}"
    return validate(Recipe, dataclasses.replace(document, data=data, overrides=overrides), RecipeError)


def parse_recipe(text: str, name: str) -> Recipe:
    """The recipe that ``dump_recipe`` wrote. ``name`` is what messages call it. Raises ``RecipeError``."""
    return validate(Recipe, parse_document(text, name, RecipeError), RecipeError)


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML, every field written out. ``load_recipe`` reads the same recipe back."""
    return dump_yaml(recipe.model_dump(mode="json"))


def parse_setting(setting: str) -> tuple[KeyPath, Any]:
    """``a.b=c`` as a field's path and its value, read as YAML. Raises ``RecipeError`` for an unknown field."""
    field, equals, text = setting.partition("=")
    field, shown = field.strip(), printable(setting)
    if not equals or not field:
        raise RecipeError(f"--set {shown}: not of the form FIELD=VALUE", "Write, for example, --set rl.steps=10.")
    known = leaves(Recipe)
    if field not in known:
        inside = [path for path in known if path.startswith(f"{field}.")]
        if inside:
            raise RecipeError(f"--set {shown}: {field} is a section", f"Set one of {', '.join(inside)}.")
        near = nearest(field, known)
        guess = f"; the nearest is {near}" if near else ""
        raise RecipeError(f"--set {shown}: a recipe has no field {printable(field)}{guess}", _sections_advice())
    value = parse_document(text, f"--set {shown}", RecipeError).data
    if isinstance(value, dict):
        raise RecipeError(f"--set {shown}: the value is a mapping", "Put text that holds ': ' in quotes.")
    return tuple(field.split(".")), value


def _sections_advice() -> str:
    return f"Sections and fields: {', '.join(Recipe.model_fields)}."


def _assign(data: dict[str, Any], field: KeyPath, value: Any) -> None:
    for name in map(str, field[:-1]):
        if not isinstance(data.get(name), dict):  # a model's name gives way to the server that is set in its place
            data[name] = {}
        data = data[name]
    data[str(field[-1])] = value


def _resolve_paths(data: dict[str, Any], folder: Path) -> None:
    for field in _PATHS:
        holder: Any = data
        for name in field[:-1]:
            inside = holder.get(name)
            holder = inside if isinstance(inside, dict) else {}
        value = holder.get(field[-1])
        if isinstance(value, str) and _may_be_path(field, value) and (folder / value).exists():
            holder[field[-1]] = str((folder / value).resolve())


def _may_be_path(field: KeyPath, value: str) -> bool:
    if field == ("constitution",):
        return "/" in value or "." in value
    return value != EMBEDDED
