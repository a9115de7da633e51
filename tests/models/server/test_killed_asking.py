from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from opened import opened, requests, settings, shared

from charter.errors import BudgetError
from charter.models.memo import Memo, MemoModel
from charter.recipe import Budget
from openai_server import Served, serve

HERE = Path(__file__).parent


def start(folder: Path, url: str, count: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(HERE), *sys.path])
    command = [sys.executable, str(HERE / "asking.py"), str(folder), url, str(count)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})


def test_a_killed_process_repeats_only_the_calls_that_were_in_flight(tmp_path: Path) -> None:
    count, killed_at = 60, (9, 25, 41)
    with serve(Served(delay=0.04)) as server:
        in_flight = 0
        for number in killed_at:
            process = start(tmp_path, server.url, count)
            while len(server.posts) < number:
                assert process.poll() is None
                time.sleep(0.002)
            process.kill()
            process.wait()
            time.sleep(0.06)  # the server ends what it was asked
            asked = len(server.posts)
            in_flight += asked - sum(kept.calls for kept in Memo(tmp_path / "memo.sqlite").kept()) - in_flight
        assert start(tmp_path, server.url, count).wait() == 0
        times = Counter(asked.body["messages"][0]["content"] for asked in server.posts)
    assert len(times) == count
    repeated = sum(times.values()) - count
    assert repeated == in_flight and 0 < repeated <= 8 * len(killed_at)
    assert len((tmp_path / "done").read_text(encoding="utf-8").splitlines()) == count


def test_a_spent_budget_stops_before_it_is_exceeded_and_goes_on_when_raised(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo.sqlite")
    with serve(Served(delay=0.01)) as server:

        def ask(calls: int) -> int:
            model = opened(settings(server.url), shared(tmp_path, Budget(calls=calls)))
            return len(MemoModel(model, memo, "judge").generate(requests(30)))

        with pytest.raises(BudgetError, match=r"beyond 12 calls \(12 spent\)"):
            ask(12)
        assert len(server.posts) == 12 == sum(kept.calls for kept in memo.kept())
        with pytest.raises(BudgetError, match="below what"):
            ask(11)
        assert ask(30) == 30
        assert len(server.posts) == 30
        assert ask(30) == 30
