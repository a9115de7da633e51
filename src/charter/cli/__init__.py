"""The command line: parse, call, show. ``app.py`` is where to start reading; each file beside it is some commands."""

from __future__ import annotations

from charter.cli.app import app, main

__all__ = ["app", "main"]
