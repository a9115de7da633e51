"""Where the command line writes: results to stdout, progress and complaints to stderr, and nothing that steers it.

Every text from a model or a file is made safe here: control characters are shown as their escapes, and no markup is
read from it.
"""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType
from rich.text import Text

from charter.printable import printable, printable_lines

UNBOUNDED = 200  # columns of what doesn't go to a terminal, which has a width of its own


def err() -> Console:
    """The console of progress and complaints."""
    return _console(to_stderr=True)


def line(text: object, style: str = "") -> Text:
    """Anything as one line, safe to print."""
    return Text(printable(str(text)), style)


def block(text: str, style: str = "") -> Text:
    """A text of several lines, safe to print."""
    return Text(printable_lines(text), style)


def put(shown: RenderableType) -> None:
    """A result, on stdout. What doesn't go to a terminal has no spaces at the ends of its lines."""
    console = _console(to_stderr=False)
    if console.is_terminal:
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    put_line("\n".join(row.rstrip() for row in captured.get().splitlines()))


def say(text: str) -> None:
    """A remark of one line or more, on stderr. Safe to give any text."""
    err().print(block(text), soft_wrap=True)


def put_line(text: str) -> None:
    """Text as a result, on stdout, in lines of whatever length."""
    sys.stdout.write(printable_lines(text) + "\n")


def _console(*, to_stderr: bool) -> Console:
    found = Console(stderr=to_stderr, highlight=False, markup=False, emoji=False)
    if found.is_terminal:
        return found
    return Console(stderr=to_stderr, highlight=False, markup=False, emoji=False, width=UNBOUNDED)
