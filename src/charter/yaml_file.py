"""YAML files as plain data that remembers its lines, and messages that name the line and the field at fault.

Recipes and constitutions are read here. The dialect is small: mappings with text keys, lists, and scalars as YAML 1.2
reads them (so ``no`` and ``2026-11-23`` are text, and ``1e-4`` is a number). Tags beyond these, anchors' aliases
(which can blow up without bound), duplicate keys, deep nesting and huge files are refused.
"""

# PyYAML's stubs leave the types of its methods out.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from charter.errors import UserError
from charter.printable import printable
from charter.yaml_faults import KeyPath, dotted, faults_of

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
MAX_GIVEN = 80  # characters of a faulty line that a message repeats

Validated = TypeVar("Validated", bound=BaseModel)

_TAG = "tag:yaml.org,2002:"
_SCALARS: dict[str, re.Pattern[str]] = {  # YAML 1.2's core schema, without infinities; a longer integer stays text
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]{1,30}"),
    "float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """What a file says (``data``), and where: the line of each key path, and the setting that overrode some of them.

    A key path is a tuple of mapping keys and list positions. ``source`` is the file's name in messages.
    """

    source: str
    data: Any
    lines: Mapping[KeyPath, int]
    overrides: Mapping[KeyPath, str] = dataclasses.field(default_factory=dict[KeyPath, str])

    def place(self, path: KeyPath) -> str:
        """Where ``path`` is written, or else the nearest thing around it: "recipe.yaml, line 3"."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.overrides:
                return self.overrides[path[:length]]
            if path[:length] in self.lines:
                return f"{self.source}, line {self.lines[path[:length]]}"
        return self.source


def validate(model: type[Validated], source: Path | str | Document, error: type[UserError]) -> Validated:
    """The model built from a file (``Path``), a YAML text (``str``) or a document already read.

    Types are taken strictly: no number is read out of a text. Raises ``error`` with every fault's place and field.
    """
    document = source if isinstance(source, Document) else read_document(source, error)
    try:
        return model.model_validate({} if document.data is None else document.data, strict=True)
    except ValidationError as found:
        faults = faults_of(model, document.data, found)
    problem = "\n".join(f"{document.place(fault.path)}: {fault.problem}" for fault in faults)
    raise error(problem, next((fault.advice for fault in faults if fault.advice), ""))


def read_document(source: Path | str, error: type[UserError]) -> Document:
    """A file (``Path``) or a YAML text (``str``) as data with lines. Raises ``error`` if it can't be read."""
    if isinstance(source, Path):
        return parse_document(read_text(source, error), printable(str(source)), error)
    return parse_document(source, "text", error)


def parse_document(text: str, name: str, error: type[UserError]) -> Document:
    """A YAML text as data with lines; ``name`` stands for it in messages. Raises ``error`` with the line at fault."""
    lines: dict[KeyPath, int] = {(): 1}
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = None if node is None else _plain(node, (), lines)
    except yaml.MarkedYAMLError as found:
        line = found.problem_mark.line + 1 if found.problem_mark else 1
        raise error(_at_line(text, name, line, found.problem or "is not YAML"), found.note or "") from None
    except yaml.reader.ReaderError as found:
        line = text.count("\n", 0, found.position) + 1
        problem = f"the character U+{found.character:04X} may not stand in YAML"
        raise error(_at_line(text, name, line, problem)) from None
    finally:
        if loader is not None:
            loader.dispose()
    return Document(name, data, lines)


def read_text(path: Path, error: type[UserError]) -> str:
    """A small UTF-8 file's text. Raises ``error`` for whatever keeps it from being one."""
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise error(f"there is no file {name}", "Check the path.") from None
    except (OSError, ValueError) as found:
        reason = found.strerror if isinstance(found, OSError) else str(found)
        raise error(f"{name} can't be read: {reason}", "Name a file that you may read.") from None
    if len(raw) > MAX_BYTES:
        raise error(f"{name} is larger than {MAX_BYTES:,} bytes", "Check that it is the file you mean.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as found:
        line = raw.count(b"\n", 0, found.start) + 1
        raise error(f"{name}, line {line}: not UTF-8 (byte 0x{raw[found.start]:02x})", "Save it as UTF-8.") from None


def dump_yaml(data: Any) -> str:
    """Canonical YAML: keys in the order given, long text folded. ``parse_document`` reads back the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases and deep nesting before they cost anything."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 -- the base class declares it so
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _refused("aliases (*name) are not read", self.peek_event(), "Write the value out.")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _refused(f"nested deeper than {MAX_DEPTH} levels", self.peek_event())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes whatever either YAML 1.1 or 1.2 would not read as text, and repeats nothing by alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the base class's signature
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Several lines as a block, odd characters as escapes, and the rest as it comes."""
    style = None
    if printable(text, keep="\n") != text:
        style = '"'
    elif "\n" in text and text == text.strip() and "\t" not in text and " \n" not in text:
        style = "|"
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _represent_text)
for _name, _pattern in _SCALARS.items():
    _whole = re.compile(rf"(?:{_pattern.pattern})\Z")
    _Loader.add_implicit_resolver(_TAG + _name, _whole, None)
    _Dumper.add_implicit_resolver(_TAG + _name, _whole, None)


def _refused(problem: str, where: Any, note: str = "") -> yaml.MarkedYAMLError:
    """``where`` is a node or an event: whatever has a ``start_mark``."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark, note=note or None)


def _plain(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> Any:
    """The node as plain data; fills in the line of each path under it."""
    kind = node.tag.removeprefix(_TAG)
    if isinstance(node, yaml.MappingNode) and kind == "map":
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        for position, item in enumerate(node.value):
            lines[(*path, position)] = item.start_mark.line + 1
        return [_plain(item, (*path, position), lines) for position, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and (kind == "str" or kind in _SCALARS):
        return _scalar(node, kind)
    raise _refused(f"the tag {printable(node.tag)} is not read", node, "Leave it out.")


def _mapping(node: yaml.MappingNode, path: KeyPath, lines: dict[KeyPath, int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str) or not key:
            raise _refused("a key is a word", key_node, "Put text in quotes if it holds any of {}[]:.")
        here = (*path, key)
        if key in result:
            field = printable(dotted(here))
            raise _refused(f"{field} is given twice, first on line {lines[here]}", key_node, "Keep one of them.")
        lines[here] = key_node.start_mark.line + 1
        result[key] = _plain(value_node, here, lines)
    return result


def _scalar(node: yaml.ScalarNode, kind: str) -> str | int | float | bool | None:
    text = str(node.value)
    if kind == "str":
        return text
    if not _SCALARS[kind].fullmatch(text):
        raise _refused(f"{printable(text[:MAX_GIVEN])!r} is not a YAML {kind}", node)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    return int(text) if kind == "int" else float(text)


def _at_line(text: str, name: str, line: int, problem: str) -> str:
    written = text.split("\n")[line - 1 : line]
    given = written[0].strip()[:MAX_GIVEN] if written else ""
    return f"{name}, line {line}: {printable(problem)}" + (f": {given!r}" if given else "")
