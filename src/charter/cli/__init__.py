"""The command line: parse, call, show. ``app.py`` is where to start reading; each file beside it is some commands."""

from __future__ import annotations

import os

from charter.cli.app import app, main

# Read when torch is loaded, which is later: waiting threads that spin slow two busy cores down forty times.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["app", "main"]
