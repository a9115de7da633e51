"""Killed with SIGKILL and started again, a run ends with the same digests as an undisturbed one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # a process killed there loses what it would lose on a disk, and flushing takes no time


def test_killed_at_any_point_a_run_ends_as_if_undisturbed() -> None:
    script = Path(__file__).with_name("killed_run.py")
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        done = subprocess.run([sys.executable, str(script), folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    in_first_session, in_second_session, at_random = map(int, done.stdout.split())
    assert in_first_session > 50
    assert in_second_session > 30
    assert at_random > 1
