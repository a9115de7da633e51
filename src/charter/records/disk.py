"""Writing so that it is either wholly there or not at all, whenever the process or the machine stops.

A file is written beside its place under a temporary name, flushed to the disk, and renamed; then its folder is flushed,
for a rename lives in the folder. A temporary file left by a killed process is never read, and the next one removes it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from charter.errors import StorageError


@contextmanager
def storage_errors(path: Path) -> Generator[None]:
    """Turns the disk's refusal into a ``StorageError`` that names the path: the one place where that is done."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"could not write {path}: {error.strerror or error}",
            "What was committed before stays valid. Make room, or mend the rights, and run the same command again.",
        ) from error


def write_durably(path: Path, data: bytes) -> None:
    """Puts ``data`` at ``path``, replacing what was there. Raises ``StorageError``, and then leaves what was there."""
    temporary = path.with_name(f".{path.name}.tmp")
    with storage_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync(path.parent)


def is_temporary(name: str) -> bool:
    """Whether ``write_durably`` uses such a name before it renames."""
    return name.startswith(".") and name.endswith(".tmp")


def sync(path: Path) -> None:
    """Flushes a file's content, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def files_under(folder: Path) -> list[str]:
    """Every file below a folder, as sorted paths relative to it, with "/". Links to folders aren't followed."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()
    )


def digest_of_bytes(data: bytes) -> str:
    """The SHA-256 that ``digests.digest_of_file`` gives for a file of these bytes."""
    return hashlib.sha256(data).hexdigest()
