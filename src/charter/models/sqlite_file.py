"""A small SQLite file that survives a kill at any point, for threads that take turns and processes that share it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from charter.errors import MemoError

WAIT_SECONDS = 60.0


def open_database(path: Path, kind: int, schema: str, *, flushed: bool) -> sqlite3.Connection:
    """The database in a file, made if it isn't there. ``kind`` is the application id that tells such files apart.

    A killed process loses no write; where each is ``flushed``, neither does a machine that loses its power. Threads
    have to take turns. Raises ``MemoError`` for a file that is
    something else, or can't be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    try:
        found = rows.execute("PRAGMA application_id").fetchone()[0]
        empty = rows.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
        if found != kind and not (empty and found == 0):
            raise MemoError(f"{path} is a database of another sort", "Name another file, or leave it out.")
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'NORMAL'}")
        rows.execute(f"PRAGMA application_id = {kind}")
        rows.execute(schema)
    except sqlite3.Error as error:
        rows.close()
        raise _unusable(path, error) from error
    except MemoError:
        rows.close()
        raise
    return rows


def _unusable(path: Path, error: Exception) -> MemoError:
    return MemoError(f"{path} can't be used: {error}", "Name another file; a damaged one can be deleted.")
