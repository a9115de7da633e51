"""Text files of prompts, plain or gzipped, a line at a time and never a longer one than a limit."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from charter.errors import PromptError
from charter.printable import printable

MAX_LINE_BYTES = 8 << 20


@contextmanager
def opened(path: Path) -> Generator[IO[bytes]]:
    """The file's bytes, unpacked. Raises ``PromptError`` for what can't be read, then or while it is being read."""
    name = printable(str(path))
    try:
        with cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise PromptError(f"there is no prompt file {name}", "Check prompts.source.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as found:
        raise PromptError(f"{name} is not whole gzip: {found}", "Fetch it again.") from None
    except (OSError, ValueError) as found:
        reason = found.strerror if isinstance(found, OSError) else printable(str(found))
        raise PromptError(f"{name} can't be read: {reason}", "Name a file of UTF-8 text that you may read.") from None


def numbered_lines(path: Path, keep_blank: bool = False) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, blank ones left out unless kept. Raises ``PromptError``."""
    with opened(path) as file:
        for number, line in _decoded(file, printable(str(path))):
            if keep_blank or line.strip():
                yield number, line


def _decoded(file: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise PromptError(f"{name}, line {number}: longer than {MAX_LINE_BYTES:,} bytes", "Is it a prompt file?")
        yield number, _text(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw, name, number)


def _text(raw: bytes, name: str, number: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as found:
        byte = f"byte 0x{raw[found.start]:02x}"
        raise PromptError(f"{name}, line {number}: not UTF-8 ({byte})", "Save the file as UTF-8.") from None
