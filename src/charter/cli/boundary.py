"""The one place where errors become messages and exit codes.

====  =========================================================================================
0     done
1     the command found what it looks for: damage (``verify``), errors (``constitution lint``)
2     a mistake that its user can mend: one message on stderr, no traceback
130   stopped with Ctrl-C
====  =========================================================================================

Anything else is a fault of ours, and shows its traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from charter.cli.console import say
from charter.errors import UserError

FOUND, MISTAKE, INTERRUPTED = 1, 2, 130
EXIT_CODES = (
    "Exit codes: 0 done; 1 verify found damage or lint an error; 2 a mistake to mend, named on stderr; "
    "130 stopped with Ctrl-C."
)


REFUSALS = frozenset(  # what an operating system answers to a path or a disk that its user has to mend
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EISDIR,
        errno.ENOTDIR,
    }
)


class Boundary(TyperGroup):
    """The group of all commands: it turns a user's mistake, and a refusal of the system's, into its message."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            complain(error)
            raise typer.Exit(MISTAKE) from None
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
            place = "" if error.filename is None else f"{error.filename}: "
            complain(UserError(f"{place}{error.strerror}", "Mend the path, its rights or the disk, and try again."))
            raise typer.Exit(MISTAKE) from None


@contextmanager
def resumable() -> Generator[None]:
    """Around work that the same command takes up again: Ctrl-C within it says so. (Elsewhere it says nothing.)"""
    try:
        yield
    except KeyboardInterrupt:
        say("\nStopped. Run the same command again: it goes on where it stopped.")
        raise typer.Exit(INTERRUPTED) from None


def complain(error: UserError) -> None:
    """An error's message, on stderr."""
    say(f"Error: {error}")
