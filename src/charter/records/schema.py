"""Frozen dataclasses as Parquet: the schema is derived from the types, and values go there and back exactly.

=====================  ==================================
in the dataclass       in Parquet
=====================  ==================================
``str``                string
``int``                int64
``float``              double
``bool``               bool
``Literal["a", "b"]``  string
``tuple[T, ...]``      list of T
``T | None``           T, null where it is None
a dataclass            struct, its fields in their order
=====================  ==================================

Nothing is flattened or encoded: DuckDB, pandas and ``datasets`` see what the dataclass says. Every column is nullable
in the file, as those readers expect; that a value is None only where its type allows it is checked on the way in.
"""

# pyarrow ships no types: what comes out of it is unknown to the checker.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

import pyarrow as pa

T = TypeVar("T")
RECORD_KEY = b"charter.record"  # schema metadata: the name of the dataclass
SCALARS: dict[type, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


@dataclass(frozen=True, slots=True)
class Codec:
    """One type's place in Arrow, and its values' way there and back."""

    arrow: pa.DataType
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


@cache
def schema_of(record_type: type) -> pa.Schema:
    """The Parquet schema of a frozen dataclass. Raises ``TypeError`` for a field that the table above doesn't have."""
    metadata = {RECORD_KEY: record_type.__name__.encode()}
    return pa.schema(list(_struct_codec(record_type).arrow), metadata=metadata)


def table_of(records: Sequence[Any]) -> pa.Table:
    """The records as a table; they are one or more, all of the first one's type. Raises ``TypeError`` otherwise."""
    record_type: type = type(records[0])
    encode = _struct_codec(record_type).encode
    return pa.Table.from_pylist([encode(record) for record in records], schema=schema_of(record_type))


def records_of(batch: pa.RecordBatch, record_type: type[T]) -> Iterator[T]:
    """The rows of a batch that has ``schema_of(record_type)``, as records."""
    decode = _struct_codec(record_type).decode
    for row in batch.to_pylist():
        yield decode(row)


def mismatch(schema: pa.Schema, record_type: type) -> str:
    """Why a file of this schema holds no such records, in words; empty if it does."""
    wanted = schema_of(record_type)
    name = (schema.metadata or {}).get(RECORD_KEY, b"no known record").decode(errors="replace")
    if name != record_type.__name__:
        return f"it holds {name}"
    if not schema.equals(wanted):
        names = sorted({field.name for field in set(schema) ^ set(wanted)})
        return f"its fields differ: {', '.join(names) or 'their order'}"
    return ""


@cache
def _codec(hint: Any) -> Codec:
    """Chooses the codec for one field's type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in SCALARS:
        return _scalar_codec(hint)
    if origin is Literal and all(isinstance(choice, str) for choice in arguments):
        return _literal_codec(arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _list_codec(_codec(arguments[0]))
    if origin in (typing.Union, types.UnionType) and len(arguments) == 2 and arguments[1] is type(None):
        return _optional_codec(_codec(arguments[0]))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _struct_codec(hint)
    raise TypeError(f"records can't hold a field of type {hint}")


def _scalar_codec(kind: type) -> Codec:
    accepted = (float, int) if kind is float else kind

    def encode(value: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"expected {kind.__name__}, not {value!r:.80}")
        return value

    return Codec(SCALARS[kind], encode, _same)


def _literal_codec(choices: tuple[str, ...]) -> Codec:
    def encode(value: Any) -> Any:
        if value not in choices:
            raise TypeError(f"expected one of {choices}, not {value!r:.80}")
        return value

    return Codec(pa.string(), encode, _same)


def _list_codec(item: Codec) -> Codec:
    def encode(values: Any) -> Any:
        if not isinstance(values, tuple):
            raise TypeError(f"expected a tuple, not {values!r:.80}")
        return [item.encode(value) for value in typing.cast("tuple[Any, ...]", values)]

    return Codec(pa.list_(item.arrow), encode, lambda values: tuple(map(item.decode, values)))


def _optional_codec(some: Codec) -> Codec:
    return Codec(
        some.arrow,
        lambda value: None if value is None else some.encode(value),
        lambda value: None if value is None else some.decode(value),
    )


@cache
def _struct_codec(record_type: Any) -> Codec:
    hints = typing.get_type_hints(record_type)
    codecs = {field.name: _codec(hints[field.name]) for field in dataclasses.fields(record_type)}
    if not codecs:
        raise TypeError(f"{record_type.__name__} has no fields, and Parquet has no empty struct")

    def encode(record: Any) -> Any:
        if type(record) is not record_type:
            raise TypeError(f"expected {record_type.__name__}, not {record!r:.80}")
        return {name: codec.encode(getattr(record, name)) for name, codec in codecs.items()}

    def decode(row: Any) -> Any:
        return record_type(**{name: codec.decode(row[name]) for name, codec in codecs.items()})

    return Codec(pa.struct([pa.field(name, codec.arrow) for name, codec in codecs.items()]), encode, decode)


def _same(value: Any) -> Any:
    return value
