"""Folders and files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from charter.errors import StorageError

UNFINISHED = ".tmp"


@contextmanager
def committed_folder(folder: Path) -> Generator[Path]:
    """Yields an empty temporary folder beside ``folder`` which, once filled, takes its place.

    It holds files only. They are flushed to the disk before the rename, so that a crash leaves the old folder, no
    folder (between removing the old one and the rename) or the whole new one. Raises ``StorageError`` when the disk
    refuses.
    """
    unfinished = folder.with_name(folder.name + UNFINISHED)
    with disk_errors(folder):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        readable = unfinished.stat().st_mode & 0o666  # what a new file gets here; safetensors' are their owner's alone
        for path in sorted(unfinished.iterdir()):
            path.chmod(readable)
            flush(path)
        flush(unfinished)
        if folder.exists():
            shutil.rmtree(folder)
        unfinished.rename(folder)
        flush(folder.parent)


def commit_text(path: Path, text: str) -> None:
    """Writes a file, whole or not at all. Raises ``StorageError`` when the disk refuses."""
    unfinished = path.with_name(path.name + UNFINISHED)
    with disk_errors(path):
        unfinished.write_text(text, encoding="utf-8")
        flush(unfinished)
        unfinished.replace(path)
        flush(path.parent)


@contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """Turns what the disk refuses into a ``StorageError`` that names ``path``."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise StorageError(
            f"could not write {path}: {error}",
            "Free some space or choose another folder, then start again: it resumes.",
        ) from error


def flush(path: Path) -> None:
    """Waits until the disk has what was written to a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
