"""The command line: parse, call, show. ``app.py`` is where to start reading; each file beside it is some commands."""

from __future__ import annotations

import os

from charter.cli.app import app, main

# Read when torch is loaded, which is later: waiting threads that spin slow two busy cores down forty times. Those that
# never spin have to be woken ten thousand times a second, which costs a quiet machine a tenth of its pace or more. So
# they spin, but for moments.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

__all__ = ["app", "main"]
