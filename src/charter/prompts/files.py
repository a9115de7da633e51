"""Which files a source of prompts means: a file, a folder, or a data set of the Hub that is on this machine.

A folder is one that ``datasets`` saved (``save_to_disk``: ``state.json`` names its Arrow files), or one that holds
Parquet, Arrow, CSV or JSON lines, all of one sort. Nothing is looked for in the folders inside it: those are mostly
splits, and reading the test split as well would be a mistake that nobody sees.

Charter fetches nothing. An id such as ``Anthropic/hh-rlhf``, perhaps with a folder behind it, is read from the Hub's
cache on this machine if it lies there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

from charter.digests import digest_of, digest_of_file
from charter.errors import PromptError
from charter.printable import printable
from charter.prompts.rows import TABLES, suffix_of

_IN_FOLDERS = TABLES | {".jsonl", ".ndjson"}
_SPLITS, _STATE = "dataset_dict.json", "state.json"  # what datasets' save_to_disk writes beside its Arrow files
_HUB_ID = re.compile(r"(?P<id>[\w-][\w.-]*/[\w-][\w.-]*)(?P<inside>(/[\w-][\w.=-]*)*)")


def prompt_files(source: Path) -> tuple[Path, ...]:
    """The files to read, in order. Raises ``PromptError`` if there are none, or it isn't clear which are meant."""
    if source.is_file():
        return (source,)
    if source.is_dir():
        return _folder_files(source)
    found = _cached(source)
    return (found,) if found.is_file() else _folder_files(found)


def source_digest(source: Path) -> str:
    """The identity of what a source holds: its files' bytes, and their names if it is a folder."""
    paths = prompt_files(source)
    if paths == (source,):
        return digest_of_file(source)
    return digest_of([(path.name, digest_of_file(path)) for path in paths])


def _folder_files(folder: Path) -> tuple[Path, ...]:
    name = printable(str(folder))
    if (folder / _SPLITS).is_file():
        splits = _json(folder / _SPLITS).get("splits")
        named = ", ".join(f"{name}/{printable(str(split))}" for split in splits) if isinstance(splits, list) else name
        raise PromptError(f"{name} holds a data set in several splits", f"Name one of them: {named}.")
    if (folder / _STATE).is_file():
        return _saved_files(folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and suffix_of(path) in _IN_FOLDERS)
    endings = sorted({suffix_of(path) for path in files})
    if not files:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        folders = f" It holds folders: {printable(', '.join(inside[:8]))}." if inside else ""
        wanted = ", ".join(sorted(_IN_FOLDERS))
        raise PromptError(f"{name} holds no file of prompts ({wanted})", f"Name a file or another folder.{folders}")
    if len(endings) > 1:
        raise PromptError(f"{name} holds files of several formats: {', '.join(endings)}", "Name one of its files.")
    return tuple(files)


def _saved_files(folder: Path) -> tuple[Path, ...]:
    """The Arrow files that ``state.json`` names."""
    state = _json(folder / _STATE)
    name = printable(str(folder))
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise PromptError(
            f"{name} was saved with a selection of its rows kept apart",
            "Save it again with a newer version of datasets.",
        )
    entries = state.get("_data_files")
    named = [entry.get("filename") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    if not named or not all(isinstance(file, str) and Path(file).name == file for file in named):
        raise PromptError(f"{name}: {_STATE} names no files of this folder", "Save the data set again.")
    return tuple(folder / cast(str, file) for file in named)


def _json(path: Path) -> dict[str, Any]:
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as found:
        raise PromptError(f"{printable(str(path))}: not JSON ({found})", "Save the data set again.") from None
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _cached(source: Path) -> Path:
    """Where a data set of the Hub lies on this machine. Raises ``PromptError`` if it doesn't, or no id is meant."""
    name = printable(str(source))
    meant = _HUB_ID.fullmatch(source.as_posix())
    if meant is None:
        raise PromptError(f"there is no prompt file {name}", "Give a file or a folder, or 'world'.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(meant["id"], repo_type="dataset", local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        folder = None
    if folder is None or not (folder / meant["inside"].lstrip("/")).exists():
        raise PromptError(
            f"there is no prompt file {name}, and no data set of that id in the Hub's cache on this machine",
            f"Charter fetches nothing. If {name} is on the Hub, fetch it first: "
            f"hf download --repo-type dataset {meant['id']}",
        )
    return folder / meant["inside"].lstrip("/")
