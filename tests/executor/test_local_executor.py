"""Parts are computed once each, in this process or in others, and come to the same either way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from charter.errors import PromptError, UserError
from charter.executor import Executor, InProcess, Opener, Parts, Processes
from charter.records import Run, StageFolder
from charter.types import Message


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[StageFolder]:
    with Run.create(tmp_path / "run", "seed: 1\n", "name: c\n") as run:
        stage = run.stage("1-things")
        stage.begin({"items": "aa"})
        yield stage


def compute(log: Path, fail_at: int, kill_at: int, index: int, items: Sequence[int]) -> list[Message]:
    """Numbers as messages, without 5; writes down who computed what with how many threads, fails or dies as told."""
    with log.open("a") as file:
        file.write(f"{index} {os.getpid()} {torch.get_num_threads()}\n")
    if index == fail_at:
        raise PromptError("the model is gone", "Bring it back.")
    if index == kill_at and log.read_text().count(f"\n{index} ") + log.read_text().startswith(f"{index} ") < 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return [Message("user", str(item)) for item in items if item != 5]


def parts_of(log: str, fail_at: str = "-1", kill_at: str = "-1", count: str = "7") -> Parts[int]:
    return Parts(range(int(count)), 3, partial(compute, Path(log), int(fail_at), int(kill_at)))


def run(executor: Executor, stage: StageFolder, *arguments: str) -> tuple[list[int], list[list[str]]]:
    """Gives what was told of the progress, and the log's rows."""
    told: list[int] = []
    executor.run(stage, parts_of(*arguments), Opener(parts_of, arguments), told.append)
    log = Path(arguments[0])
    return told, [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def contents(stage: StageFolder) -> list[str]:
    return [record.content for record in stage.read(Message)]


def test_in_this_process_parts_are_slices_in_item_order(stage: StageFolder, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    told, rows = run(InProcess(), stage, str(tmp_path / "log"))
    assert rows == [[str(index), str(os.getpid()), "1"] for index in range(3)]
    assert told == [0, 3, 6, 7]
    assert contents(stage) == ["0", "1", "2", "3", "4", "6"]
    assert torch.get_num_threads() == threads


def test_several_processes_of_one_thread_come_to_the_same(stage: StageFolder, tmp_path: Path) -> None:
    told, rows = run(Processes(2), stage, str(tmp_path / "log"), "-1", "-1", "30")
    assert sorted(int(index) for index, _, _ in rows) == list(range(10))
    assert {threads for _, _, threads in rows} == {"1"}
    assert len({pid for _, pid, _ in rows} - {str(os.getpid())}) == 2
    assert told == [0, *range(3, 31, 3)]
    assert contents(stage) == [str(number) for number in range(30) if number != 5]


@pytest.mark.parametrize("make", [InProcess, partial(Processes, 1)])
def test_after_a_failure_only_the_missing_parts_are_computed(stage: StageFolder, tmp_path: Path, make: Any) -> None:
    executor = make()
    with pytest.raises(PromptError, match="the model is gone"):
        run(executor, stage, str(tmp_path / "log"), "1")
    told, rows = run(executor, stage, str(tmp_path / "again"))
    assert [index for index, _, _ in rows] == ["1", "2"]
    assert told == [3, 6, 7]
    assert run(executor, stage, str(tmp_path / "none")) == ([7], [])


def test_a_process_that_dies_is_replaced_and_its_part_computed_again(stage: StageFolder, tmp_path: Path) -> None:
    executor = Processes(2)
    told, rows = run(executor, stage, str(tmp_path / "log"), "-1", "1")
    assert sorted(index for index, _, _ in rows) == ["0", "1", "1", "2"]
    assert told[-1] == 7 and len(contents(stage)) == 6


def doomed(_: str) -> Parts[int]:
    return Parts(range(3), 3, lambda _index, _items: os.kill(os.getpid(), signal.SIGKILL) or [])


def test_a_part_that_kills_its_process_again_is_given_up_with_advice(stage: StageFolder) -> None:
    executor = Processes(1)
    with pytest.raises(UserError, match=r"part 0 of 1-things was ended .*2 times\n.*execution.workers=1"):
        executor.run(stage, doomed(""), Opener(doomed, ("",)), lambda _: None)


def test_no_items_make_no_parts(stage: StageFolder, tmp_path: Path) -> None:
    for executor in (InProcess(), Processes(2)):
        assert run(executor, stage, str(tmp_path / "log"), "0", "-1", "0") == ([0], [])
    assert contents(stage) == []


def test_a_part_has_at_least_one_item() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        Parts([1], 0, lambda _index, _items: [])


def sleepy(mark: str) -> Parts[int]:
    def sleep(index: int, items: Sequence[int]) -> list[Message]:
        Path(f"{mark}-{index}").write_text(str(os.getpid()))
        time.sleep(60)
        return [Message("user", str(item)) for item in items]

    return Parts(range(2), 1, sleep)


def hold(path: str, mark: str) -> None:
    """What the next test kills: a run whose processes sleep."""
    with Run.create(Path(path), "seed: 1\n", "name: c\n") as held:
        stage = held.stage("1-things")
        stage.begin({"items": "aa"})
        Processes(2).run(stage, sleepy(mark), Opener(sleepy, (mark,)), lambda _: None)


def test_when_the_run_is_killed_its_processes_end_too(tmp_path: Path) -> None:
    script = f"import sys; sys.path[:0] = {sys.path!r}\nif __name__ == '__main__':\n    import test_local_executor as t"
    script += f"; t.hold({str(tmp_path / 'run')!r}, {str(tmp_path / 'mark')!r})\n"
    (tmp_path / "held.py").write_text(script)
    holder = subprocess.Popen([sys.executable, str(tmp_path / "held.py")])
    marks = [tmp_path / f"mark-{index}" for index in range(2)]
    deadline = time.monotonic() + 60
    while not all(mark.exists() and mark.read_text() for mark in marks) and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = [int(mark.read_text()) for mark in marks]
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))


def alive(pid: int) -> bool:
    """Whether a process runs: one that ended may be left as a zombie until its parent looks."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
