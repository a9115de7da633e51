"""Progress on stderr: a bar a stage on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from charter.cli.console import block, err, say
from charter.cli.pace import Pace, amount, duration
from charter.progress import Tell, Watcher
from charter.records import StageManifest

LINE_SECONDS = 5.0


class StageWatcher(Watcher, Protocol):
    """A watcher that also counts the stages that this session computed."""

    computed: int


@contextmanager
def watched() -> Generator[StageWatcher]:
    """The watcher that suits stderr."""
    console = err()
    if not console.is_terminal:
        yield LineWatcher(say)
        return
    with Progress(*columns(), console=console, transient=False) as progress:
        yield BarWatcher(progress)


class LineWatcher:
    """Plain lines, for logs."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.computed = 0
        self._say = say
        self._clock = clock

    def begin(self, stage: str, total: int, unit: str) -> Tell:
        pace = Pace(stage, total, unit)
        self._say(f"{stage}: {total} {unit}")
        last = self._clock()

        def tell(done: int, figures: Mapping[str, float]) -> None:
            nonlocal last
            now = self._clock()
            pace.tell(done, figures, now)
            if now - last >= LINE_SECONDS:
                last = now
                self._say(_sentence(pace, now))

        return tell

    def note(self, text: str) -> None:
        self._say(text)

    def end(self, stage: str, manifest: StageManifest, *, was_complete: bool) -> None:
        self.computed += not was_complete
        self._say(f"{stage}: {_ending(manifest, was_complete)}")


class BarWatcher:
    """A bar a stage, with the time left and the figures worth watching."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self.computed = 0
        self._progress = progress
        self._clock = clock
        self._tasks: dict[str, TaskID] = {}

    def begin(self, stage: str, total: int, unit: str) -> Tell:
        pace = Pace(stage, total, unit)
        task = self._progress.add_task(stage, total=total, unit=unit, pace=pace, note="")
        self._tasks[stage] = task

        def tell(done: int, figures: Mapping[str, float]) -> None:
            pace.tell(done, figures, self._clock())
            self._progress.update(task, completed=done, note=pace.shown_figures())

        return tell

    def note(self, text: str) -> None:
        self._progress.console.print(block(text), soft_wrap=True)

    def end(self, stage: str, manifest: StageManifest, *, was_complete: bool) -> None:
        self.computed += not was_complete
        if stage not in self._tasks:  # complete before, or without units of its own
            self._tasks[stage] = self._progress.add_task(stage, total=1, completed=1, unit="", pace=None, note="")
        task = self._tasks[stage]
        total = next(found.total for found in self._progress.tasks if found.id == task)
        self._progress.update(task, completed=total, pace=None, note=_ending(manifest, was_complete))


class TimeLeft(ProgressColumn):
    """The time that a stage has to go, as its pace has it."""

    def render(self, task: Task) -> Text:
        pace: Pace | None = task.fields["pace"]
        left = pace.seconds_left(time.monotonic()) if pace else None
        return Text("" if left is None else f"{duration(left)} left", "progress.remaining")


class Units(ProgressColumn):
    """``120/1680 prompts``."""

    def render(self, task: Task) -> Text:
        unit: str = task.fields["unit"]
        return Text(f"{task.completed:.0f}/{task.total or 0:.0f} {unit}" if unit else "", "progress.download")


def columns() -> tuple[ProgressColumn, ...]:
    """Stage, bar, units done, time left, and figures or what it took."""
    text = TextColumn("{task.description}", markup=False)
    return (text, BarColumn(bar_width=24), Units(), TimeLeft(), TextColumn("{task.fields[note]}", markup=False))


def _sentence(pace: Pace, now: float) -> str:
    left = pace.seconds_left(now)
    parts = [f"{pace.done} of {pace.total} {pace.unit}", *([f"{duration(left)} left"] if left is not None else [])]
    return f"{pace.stage}: " + ", ".join([*parts, *([pace.shown_figures()] if pace.figures else [])])


def _ending(manifest: StageManifest, was_complete: bool) -> str:
    if was_complete:
        return "complete before"
    tokens = f", {amount(manifest.tokens)} tokens" if manifest.tokens else ""
    return f"done in {duration(manifest.seconds)}{tokens}"
