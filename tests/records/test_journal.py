"""The journal of committed parts heals itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from charter.errors import DamageError
from charter.records.journal import Journal
from charter.records.parts import PartEntry

FIRST, SECOND = PartEntry(0, 3, "aa", 0.123456789), PartEntry(1, 2, "bb", 1.0)


@pytest.mark.parametrize("left", [b'{"format": 1', b"?" * 900, b"?" * 900 + b"\n"])
def test_what_a_failed_append_left_is_cut_off_by_the_next(tmp_path: Path, left: bytes) -> None:
    journal = Journal(tmp_path)
    journal.append(FIRST)
    with journal.path.open("ab") as file:
        file.write(left)
    journal.append(SECOND)
    assert Journal(tmp_path).entries == {0: FIRST, 1: SECOND}


def test_a_part_named_twice_is_damage(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(FIRST)
    journal.path.write_bytes(journal.path.read_bytes() * 2)
    with pytest.raises(DamageError, match="names part 0 twice"):
        Journal(tmp_path)
