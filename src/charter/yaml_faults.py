"""What pydantic found wrong, in one sentence a fault: the field, what was given, what is allowed.

An unknown field is answered with the nearest one that exists: beside it first, then anywhere in the model.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from charter.printable import printable

KeyPath = tuple[str | int, ...]
MAX_FAULTS = 8
MAX_GIVEN = 60

_SHOULD_BE = {
    "model_type": "should be a section with fields of its own",
    "list_type": "should be a list",
    "string_type": "should be text (put it in quotes)",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "string_too_short": "must not be empty",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong at ``path``. ``advice`` may be empty."""

    path: KeyPath
    problem: str
    advice: str = ""


def faults_of(model: type[BaseModel], data: Any, found: ValidationError) -> list[Fault]:
    """The faults in the order found, at most ``MAX_FAULTS`` and a line that counts the rest."""
    details = found.errors(include_url=False)
    faults = [_fault(model, data, detail) for detail in details[:MAX_FAULTS]]
    if len(details) > MAX_FAULTS:
        faults.append(Fault((), f"{len(details) - MAX_FAULTS} more faults like these"))
    return faults


def dotted(path: KeyPath) -> str:
    """``principles[2].text``: positions count from 0."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def leaves(model: type[BaseModel]) -> list[str]:
    """The dotted paths of all fields that hold a value rather than a section, lists of sections left out.

    A field that may be either (a model's name, or a server) is named as both.
    """
    found: list[str] = []
    for name, field in model.model_fields.items():
        section = section_in(field.annotation)
        if section is None or _may_be_text(field.annotation):
            found.append(name)
        if section is not None:
            found += [f"{name}.{leaf}" for leaf in leaves(section)]
    return found


def nearest(wrong: str, known: Sequence[str]) -> str | None:
    """The known dotted path most like ``wrong``: as a whole, or by its last name."""
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.7)
    if close:
        return close[0]
    by_name = {path.rsplit(".", 1)[-1]: path for path in reversed(known)}
    close = difflib.get_close_matches(wrong.rsplit(".", 1)[-1], list(by_name), n=1, cutoff=0.6)
    return by_name[close[0]] if close else None


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as ``Section``, ``list[Section]`` or ``Section | None`` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((section for inner in get_args(annotation) if (section := section_in(inner))), None)


def _may_be_text(annotation: Any) -> bool:
    return annotation is str or any(_may_be_text(inner) for inner in get_args(annotation))


def _fault(model: type[BaseModel], data: Any, detail: ErrorDetails) -> Fault:
    path = _within_data(data, detail["loc"])
    field = printable(dotted(path)) or "the file"
    kind, message = detail["type"], detail["msg"]
    if kind == "extra_forbidden":
        return _unknown(model, path)
    if kind == "missing":
        return Fault(path[:-1], f"{field} is missing")
    if kind == "value_error":
        message = message.removeprefix("Value error, ")
        return Fault(path or _named_in(model, message), f"{field}: {message}" if path else message)
    allowed = _SHOULD_BE.get(kind, message[max(message.find("should"), 0) :])
    given = printable(repr(detail["input"]))
    given = given if len(given) <= MAX_GIVEN else given[:MAX_GIVEN] + "…"
    return Fault(path, f"{field} {allowed}; given: {given}")


def _within_data(data: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """``loc`` without the parts that pydantic adds for its own sake (the branch of a union)."""
    path: list[str | int] = []
    here: Any = data
    for position, part in enumerate(loc):
        inside = _children(here)
        if part in inside:
            here = inside[part]
        elif position < len(loc) - 1 or not isinstance(here, dict):
            continue
        path.append(part)
    return tuple(path)


def _children(data: Any) -> Mapping[str | int, Any]:
    if isinstance(data, list):
        return dict(enumerate(cast(list[Any], data)))
    return cast(dict[str | int, Any], data) if isinstance(data, dict) else {}


def _unknown(model: type[BaseModel], path: KeyPath) -> Fault:
    section = _section_at(model, path[:-1])
    wrong = str(path[-1])
    where = printable(dotted(path[:-1]))
    siblings = list(section.model_fields)
    close = difflib.get_close_matches(wrong, siblings, n=1)
    near = dotted((*path[:-1], close[0])) if close else nearest(wrong, leaves(model))
    problem = f"{printable(dotted(path))} is not a field" + (f" of {where}" if where else "")
    guess = f"; the nearest is {printable(near)}" if near else ""
    return Fault(path, problem + guess, f"Fields{' of ' + where if where else ''}: {', '.join(siblings)}.")


def _section_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    for part in path:
        if isinstance(part, str):
            model = section_in(model.model_fields[part].annotation) or model
    return model


def _named_in(model: type[BaseModel], message: str) -> KeyPath:
    """The field that a whole model's complaint starts with, so that its line can be named."""
    first = message.split(" ", 1)[0]
    return tuple(first.split(".")) if first in leaves(model) else ()
