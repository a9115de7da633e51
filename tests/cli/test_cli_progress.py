from __future__ import annotations

import io
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from charter.cli.pace import Pace, amount, duration
from charter.cli.progress import BarWatcher, LineWatcher, columns
from charter.records import StageManifest

DONE = StageManifest("2-revisions", {}, tokens=12_345, seconds=75.0, complete=True)


def clock(*times: float) -> Iterator[float]:
    yield from times


def test_time_left_is_known_from_the_second_report_on_and_runs_down_between_reports() -> None:
    pace = Pace("2-revisions", 100, "prompts")
    assert pace.seconds_left(0) is None
    pace.tell(0, {}, 0)
    assert pace.seconds_left(5) is None
    pace.tell(20, {}, 10)
    assert (pace.seconds_left(10), pace.seconds_left(15)) == (40, 35)
    pace.tell(100, {}, 50)
    assert pace.seconds_left(50) is None


def test_what_an_earlier_session_did_makes_nothing_look_faster() -> None:
    pace = Pace("2-revisions", 100, "prompts")
    pace.tell(80, {}, 0)
    pace.tell(90, {}, 10)
    assert pace.seconds_left(10) == 10


@given(st.integers(1, 1000), st.integers(0, 1000), st.floats(0.01, 1e4), st.floats(0, 1e4))
def test_time_left_is_never_negative(total: int, done: int, taken: float, later: float) -> None:
    pace = Pace("s", total, "u")
    pace.tell(0, {}, 0)
    pace.tell(min(done, total), {}, taken)
    left = pace.seconds_left(taken + later)
    assert left is None or left >= 0


def test_figures_worth_watching_stand_beside_the_bar() -> None:
    pace = Pace("7-rl", 9, "steps")
    pace.tell(1, {"learning_rate": 1.0, "kl": 4.25, "loss": 0.3127, "truth: helped": 0.95}, 0)
    assert pace.shown_figures() == "loss 0.313 · kl 4.25 · helped 0.95"


def test_plain_lines_come_every_few_seconds_and_at_both_ends() -> None:
    said: list[str] = []
    times = clock(0, 0, 5, 6)
    watcher = LineWatcher(said.append, lambda: next(times))
    tell = watcher.begin("2-revisions", 100, "prompts")
    for done in (0, 20, 60):
        tell(done, {"loss": 0.5})
    watcher.end("2-revisions", DONE, was_complete=False)
    watcher.end("3-sft", DONE, was_complete=True)
    assert said == [
        "2-revisions: 100 prompts",
        "2-revisions: 20 of 100 prompts, 20 s left, loss 0.5",
        "2-revisions: done in 1 min 15 s, 12.3k tokens",
        "3-sft: complete before",
    ]
    assert watcher.computed == 1


def test_bars_end_with_what_a_stage_took() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=110, color_system=None)
    with Progress(*columns(), console=screen, auto_refresh=False) as progress:
        watcher = BarWatcher(progress)
        watcher.end("1-prompts", DONE, was_complete=True)
        tell = watcher.begin("2-revisions", 4, "prompts")
        tell(0, {})
        tell(3, {"loss": 0.25})
        progress.refresh()
        watcher.end("2-revisions", DONE, was_complete=False)
        progress.refresh()
    shown = screen.file.getvalue()  # pyright: ignore
    assert "3/4 prompts" in shown and "loss 0.25" in shown
    assert "4/4 prompts" in shown and "done in 1 min 15 s, 12.3k tokens" in shown and "complete before" in shown
    assert watcher.computed == 1


def test_durations_and_amounts_are_short() -> None:
    assert [duration(s) for s in (0, 59.4, 200, 7500)] == ["0 s", "59 s", "3 min 20 s", "2 h 05 min"]
    assert [amount(n) for n in (0, 950, 9999, 12_345, 4_560_000)] == ["0", "950", "9999", "12.3k", "4.56M"]
