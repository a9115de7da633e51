"""Records go to Parquet and back exactly, and other readers see what the dataclass says."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charter.records.disk import digest_of_bytes
from charter.records.parts import PartEntry, part_bytes, read_part
from charter.records.schema import schema_of, table_of
from charter.types import (
    Answer,
    Constitution,
    Conversation,
    Estimate,
    Message,
    PreferenceLabel,
    Prompt,
    Reading,
    RevisionChain,
    Rollout,
    Verdict,
)

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "\0", "\x1b[31m", "é\u0301", "\u202e", "👩‍🚀", "{prompt}", "a\r\nb", "\U0010ffff", "\ufffe"]),
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
}
CONVERSATIONS = st.builds(
    lambda turns, last: Conversation((*turns, Message("user", last))),
    st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS), max_size=2),
    TEXTS,
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a record's type: written anew, so that it can't share a mistake with the schema."""
    if hint is Conversation:
        return CONVERSATIONS
    if hint in SCALARS:
        return SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*[st.none() if kind is type(None) else values_of(kind) for kind in arguments])
    hints = typing.get_type_hints(hint)
    return st.builds(hint, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(hint)})


def there_and_back(folder: Path, records: list[Any]) -> list[Any]:
    data = part_bytes(records)
    (folder / "part-00000.parquet").write_bytes(data)
    return list(read_part(folder, PartEntry(0, len(records), digest_of_bytes(data), 0.0), type(records[0])))


@pytest.mark.parametrize(
    "kind", [PreferenceLabel, RevisionChain, Rollout, Answer, Constitution, Reading, Estimate, Prompt]
)
def test_records_survive_the_way_to_disk_and_back_exactly(kind: type, tmp_path: Path) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(values_of(kind), min_size=1, max_size=3))
    def holds(records: list[Any]) -> None:
        assert there_and_back(tmp_path, records) == records

    holds()


def test_none_and_an_empty_tuple_and_an_empty_text_stay_three_things(tmp_path: Path) -> None:
    records = [Holder(None, (), ""), Holder(Verdict(0.0, 0.0), ("",), "x"), Holder(Verdict(1.0, 0.0), ("a", "b"), "y")]
    assert there_and_back(tmp_path, records) == records


def test_the_schema_says_what_the_dataclass_says() -> None:
    verdict = pa.struct([("a", pa.float64()), ("b", pa.float64())])
    assert schema_of(Holder).field("weights").type == verdict
    assert schema_of(Holder).field("tags").type == pa.list_(pa.string())
    assert schema_of(PreferenceLabel).names == ["id", "comparison", "judgements", "state", "weights"]
    assert schema_of(Rollout).field("step").type == pa.int64()


def test_duckdb_reads_nested_fields_as_they_are(tmp_path: Path) -> None:
    records = [Holder(None, ("a", "b"), "one"), Holder(Verdict(0.25, 0.5), (), "two")]
    pq.write_table(table_of(records), tmp_path / "part-00000.parquet", compression="zstd")
    query = f"select name, weights.a, tags[1], len(tags) from '{tmp_path}/part-*.parquet' order by name"
    assert duckdb.connect().execute(query).fetchall() == [("one", None, "a", 2), ("two", 0.25, None, 0)]


@pytest.mark.parametrize(
    "record",
    [
        lambda: Holder(None, (), None),  # type: ignore[arg-type]
        lambda: Holder(None, ["a"], "x"),  # type: ignore[arg-type]
        lambda: Holder(None, (1,), "x"),  # type: ignore[arg-type]
        lambda: Holder(Estimate(0.0, 0.0, 0.0, 1), (), "x"),  # type: ignore[arg-type]
        lambda: Estimate(0.0, 0.0, 0.0, True),
        lambda: Estimate(0.0, 0.0, 0.0, 1.5),  # type: ignore[arg-type]
        lambda: Message("narrator", "x"),  # type: ignore[arg-type]
    ],
)
def test_a_value_that_its_type_forbids_is_refused_on_the_way_in(record: Any) -> None:
    with pytest.raises(TypeError, match="expected"):
        part_bytes([record()])


def test_records_of_two_types_are_refused() -> None:
    with pytest.raises(TypeError, match="expected Message"):
        part_bytes([Message("user", "x"), Verdict(1.0, 0.0)])


@pytest.mark.parametrize("hint", [dict[str, int], tuple[int, str], "int | str", bytes, Literal[1, 2]])
def test_a_type_that_parquet_would_not_give_back_is_refused(hint: Any) -> None:
    odd = dataclasses.make_dataclass("Odd", [("field", hint)], frozen=True)
    with pytest.raises(TypeError, match="can't hold"):
        schema_of(odd)


@dataclass(frozen=True, slots=True)
class Holder:
    weights: Verdict | None
    tags: tuple[str, ...]
    name: str
