"""Parts are computed in item order, once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.executor import Executor, run_parts
from charter.records import Run, StageFolder
from charter.types import Message

EXECUTOR: Executor = run_parts  # the type checker's proof that it is one


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[StageFolder]:
    with Run.create(tmp_path, "seed: 1\n", "name: c\n") as run:
        stage = run.stage("1-things")
        stage.begin({"items": "aa"})
        yield stage


class Computer:
    """Turns numbers into messages, drops 5, fails at ``fail_at``, and remembers what it was asked."""

    def __init__(self, fail_at: int = -1) -> None:
        self.asked: list[tuple[int, list[int]]] = []
        self.fail_at = fail_at

    def __call__(self, index: int, items: Sequence[int]) -> list[Message]:
        if index == self.fail_at:
            raise RuntimeError("the model is gone")
        self.asked.append((index, list(items)))
        return [Message("user", str(item)) for item in items if item != 5]


def test_parts_are_slices_in_item_order(stage: StageFolder) -> None:
    computer, progress = Computer(), list[int]()
    run_parts(stage, range(7), 3, computer, progress.append)
    assert computer.asked == [(0, [0, 1, 2]), (1, [3, 4, 5]), (2, [6])]
    assert progress == [0, 3, 6, 7]
    assert [record.content for record in stage.read(Message)] == ["0", "1", "2", "3", "4", "6"]


def test_after_a_failure_only_the_missing_parts_are_computed(stage: StageFolder) -> None:
    with pytest.raises(RuntimeError, match="the model is gone"):
        run_parts(stage, range(7), 3, Computer(fail_at=1), lambda _: None)
    computer, progress = Computer(), list[int]()
    run_parts(stage, range(7), 3, computer, progress.append)
    assert [index for index, _ in computer.asked] == [1, 2]
    assert progress == [3, 6, 7]
    run_parts(stage, range(7), 3, Computer(fail_at=0), progress.append)
    assert progress == [3, 6, 7, 7]


def test_no_items_make_no_parts(stage: StageFolder) -> None:
    run_parts(stage, [], 3, Computer(fail_at=0), lambda _: None)
    assert list(stage.read(Message)) == []


def test_a_part_of_no_items_is_refused(stage: StageFolder) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        run_parts(stage, range(3), 0, Computer(), lambda _: None)
