"""A small run that is killed with SIGKILL over and over and taken up again: ``test_crash.py`` runs it as a process.

Every session is a fork of this process, which itself computes nothing, so that a session costs milliseconds and starts
with no thread of another's. Prints how often it killed, and fails on the first broken promise.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from charter.executor import InProcess, Opener, Parts
from charter.records import Run, run_digest, verify
from charter.types import Message

FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir")


def compute(index: int, items: Sequence[int]) -> list[Message]:
    return [Message("user", f"part {index}, item {item}") for item in items if item != 3]


def parts() -> Parts[int]:
    return Parts(range(4), 2, compute)


def session(path: Path) -> None:
    """The whole run, taken up wherever it stopped: a stage of parts, then one that can't be taken up in the middle."""
    with Run.take_up(path, "seed: 7\n", "name: c\n") as run:
        things = run.stage("1-things")
        if things.begin({"items": "aa"}) != "complete":
            InProcess(threads=None).run(things, parts(), Opener(parts, ()), lambda _: None)  # torch stays out of it
            things.finish({"things": 3}, 30, 1.0)
        training = run.stage("2-training")
        state = training.begin({"things": things.digest})
        if state == "complete":
            return
        if state == "partial":
            training.clear()
        training.write_part(0, list(things.read(Message)))
        (training.path / "model").mkdir(exist_ok=True)
        (training.path / "model" / "weights").write_text("w" * 100)
        training.finish({}, 0, 1.0, training.files_under("model"))


def die_before_event(number: int, folder: Path) -> None:
    """From now on, this process kills itself just before its ``number``-th operation on a file of the folder."""
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in FILE_EVENTS and str(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def check_after_kill(path: Path) -> None:
    """However a session ended, what is there is in order and nothing uncommitted is read."""
    if (path / "manifest.json").exists():
        run = Run.open(path)
        assert verify(run) == [], verify(run)
        records = [record for stage in run.stages()[:1] for record in stage.read(Message)]
        whole = [*compute(0, (0, 1)), *compute(1, (2, 3))]
        assert records == whole[: len(records)]


def expect(path: Path, digest: str) -> None:
    run = Run.open(path)
    assert verify(run) == [], verify(run)
    assert run_digest(run) == digest, "the digest is not that of an undisturbed run"
    left = sorted(file.name for stage in run.stages() for file in stage.path.rglob("*") if file.is_file())
    assert left == ["manifest.json"] * 2 + [*(f"part-0000{index}.parquet" for index in (0, 0, 1)), "weights"], left


def forked(work: Callable[[], None], kill_after_seconds: float | None = None) -> bool:
    """Does the work in a child; true if the child was killed. Raises if it failed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after_seconds is not None:
        time.sleep(kill_after_seconds)
        os.kill(child, signal.SIGKILL)  # the child is not yet waited for, so its id is still its own
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("a session failed")
    return False


def killed_before(number: int, path: Path) -> bool:
    """A session that dies before its ``number``-th operation on a file; false if it had fewer and got through."""

    def dying() -> None:
        die_before_event(number, path)
        session(path)

    return forked(dying)


def at_every_operation(folder: Path, digest: str, start: Path | None = None) -> int:
    """Kills before each file operation in turn; each time, one more session has to end as if nothing had happened.

    The session that is killed begins with a copy of the run at ``start``, or with nothing.
    """
    number, killed = 0, True
    while killed:
        number += 1
        path = folder / f"event-{number}"
        if start is not None:
            shutil.copytree(start, path)
        killed = killed_before(number, path)

        def again(path: Path = path) -> None:
            check_after_kill(path)
            session(path)
            expect(path, digest)

        forked(again)
    return number - 1


def at_random(folder: Path, digest: str, num_runs: int) -> int:
    """Kills each of several runs again and again, at whatever it is doing, until one session gets through.

    Sessions are given more and more time, so that one gets through on a slow disk too.
    """
    chance, kills = random.Random(7), 0
    for number in range(num_runs):
        path, patience_seconds = folder / f"run-{number}", 0.008
        while forked(lambda path=path: session(path), chance.uniform(0.0005, patience_seconds)):
            forked(lambda path=path: check_after_kill(path))
            kills, patience_seconds = kills + 1, patience_seconds * 1.2
        forked(lambda path=path: expect(path, digest))
    return kills


def main() -> None:
    folder = Path(sys.argv[1])
    undisturbed = folder / "undisturbed"
    digest_file = folder / "digest"

    def reference() -> None:
        session(undisturbed)
        digest_file.write_text(run_digest(Run.open(undisturbed)))

    forked(reference)
    digest = digest_file.read_text()
    first = at_every_operation(folder / "first", digest)
    half = folder / "half"
    killed_before(first - 5, half)  # just before the last stage's manifest: the next session has to clear the stage
    assert not Run.open(half).stage("2-training").manifest.complete
    second = at_every_operation(folder / "second", digest, start=half)
    print(first, second, at_random(folder / "random", digest, num_runs=4))


if __name__ == "__main__":
    main()
