"""A part is the same bytes for the same records, and is checked before it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from charter.errors import DamageError, RunError
from charter.records.disk import digest_of_bytes
from charter.records.parts import PartEntry, part_bytes, read_part
from charter.types import Estimate, Message, Verdict

MESSAGES = [Message("user", f"text {number}") for number in range(1000)]


def committed(folder: Path, records: list[Message]) -> PartEntry:
    data = part_bytes(records)
    (folder / "part-00003.parquet").write_bytes(data)
    return PartEntry(3, len(records), digest_of_bytes(data), 0.0)


def test_the_same_records_give_the_same_bytes() -> None:
    assert part_bytes(MESSAGES) == part_bytes(list(MESSAGES))
    assert part_bytes(MESSAGES) != part_bytes(MESSAGES[:-1])


def test_a_part_longer_than_one_batch_keeps_its_order(tmp_path: Path) -> None:
    assert list(read_part(tmp_path, committed(tmp_path, MESSAGES), Message)) == MESSAGES


def test_a_part_without_records_has_no_file(tmp_path: Path) -> None:
    assert part_bytes([]) == b""
    assert list(read_part(tmp_path, PartEntry(0, 0, digest_of_bytes(b""), 0.0), Message)) == []


def test_one_flipped_bit_anywhere_is_found_and_the_file_named(tmp_path: Path) -> None:
    entry = committed(tmp_path, MESSAGES[:3])
    path = tmp_path / entry.file
    whole = path.read_bytes()
    for position in range(0, len(whole), 97):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(DamageError, match=r"part-00003\.parquet is damaged"):
            next(read_part(tmp_path, entry, Message))


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    entry = committed(tmp_path, MESSAGES[:3])
    (tmp_path / entry.file).unlink()
    with pytest.raises(DamageError, match=r"part-00003\.parquet is missing"):
        next(read_part(tmp_path, entry, Message))


def test_a_part_of_another_record_is_not_read_as_this_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"asked for Verdict, but it holds Message"):
        next(read_part(tmp_path, committed(tmp_path, MESSAGES[:3]), Verdict))


def test_a_part_whose_record_has_changed_names_the_fields(tmp_path: Path) -> None:
    data = part_bytes([Estimate(0.0, 0.0, 0.0, 1)])
    (tmp_path / "part-00000.parquet").write_bytes(data)
    newer = type("Estimate", (), {"__annotations__": {"mean": float, "spread": float}})
    from dataclasses import dataclass

    with pytest.raises(RunError, match=r"its fields differ: high, low, n, spread, unusable"):
        next(read_part(tmp_path, PartEntry(0, 1, digest_of_bytes(data), 0.0), dataclass(newer)))
