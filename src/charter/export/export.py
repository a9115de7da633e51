"""A run's data, written for other people's trainers and tools. One file beside this one is one form."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from charter.errors import RunError
from charter.export.annotated_pairs import export_annotated_pairs
from charter.export.axolotl import export_axolotl
from charter.export.card import card
from charter.export.datasets_folder import export_datasets
from charter.export.hf_cai import export_hf_cai
from charter.export.openrlhf import export_openrlhf
from charter.export.source import Source, Tally
from charter.export.trl import export_trl
from charter.printable import printable
from charter.records import Run
from charter.records.disk import files_under, storage_errors, write_durably

README = "README.md"
TARGETS: Mapping[str, Callable[[Source, Path, Tally], str]] = {
    "trl": export_trl,
    "openrlhf": export_openrlhf,
    "axolotl": export_axolotl,
    "hf-cai": export_hf_cai,
    "annotated-pairs": export_annotated_pairs,
    "datasets": export_datasets,
}
"""Each writes its files into a folder, counts them, and says how they are used."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files, by their paths in the folder, and how many of what."""

    path: Path
    files: tuple[str, ...]
    counts: Mapping[str, int]


def export_run(run: Run, target: str, out: Path) -> Exported:
    """Writes a run's data in one of the forms of ``TARGETS`` to the folder ``out``, whole or not at all.

    Raises ``RunError`` for an unknown form, a folder that holds anything already, or a run that hasn't come so far;
    ``DamageError``, ``StorageError``.
    """
    if target not in TARGETS:
        raise RunError(f"nothing is exported to '{printable(target)}'", f"Give one of {', '.join(TARGETS)}.")
    source = Source.of(run)
    if not (source.has_labels or source.has_revisions):
        raise RunError(f"{run.path} has neither revisions nor labels yet", "Finish the run first.")
    _require_free(out)
    tally = Tally()
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        use = TARGETS[target](source, folder, tally)
        written = files_under(folder)
        write_durably(folder / README, card(source, target, use, tally, written).encode())
        with storage_errors(out):
            folder.chmod(0o755)  # a temporary folder is its maker's alone
            folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Exported(out, (*written, README), {name: count for name, count in tally.items() if count})


def _require_free(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()):
        raise RunError(f"{out} already holds files", "Give another --out: an export never overwrites anything.")
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file", "Give a folder with --out.")
