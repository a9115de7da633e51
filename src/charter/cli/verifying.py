"""``charter verify``: is the run what its manifests say?"""

from __future__ import annotations

from typing import Annotated

import typer

from charter.cli.boundary import FOUND
from charter.cli.console import put_line, say
from charter.cli.options import RunFolder
from charter.errors import DamageError
from charter.records import Problem, Run, run_digest
from charter.records import verify as problems_of
from charter.records.manifest import MANIFEST

OnlyDigest = Annotated[bool, typer.Option("--digest", help="Writes one line to stdout: the run's digest.")]


def verify(run: RunFolder, digest: OnlyDigest = False) -> None:
    """Recomputes every digest of a run, and names every file that is damaged, missing or extra.

    Exits with 1 if there is one. The digest covers all that finished stages were made from and have made, and no times:
    two runs of one recipe on one machine have the same.
    """
    problems = _problems(run)
    for problem in problems:
        say(f"{problem.kind}: {problem.path}: {problem.detail}")
    if problems:
        raise typer.Exit(FOUND)
    found = Run.open(run)
    if digest:
        put_line(run_digest(found))
        return
    manifests = [stage.manifest for stage in found.stages()]
    complete = [manifest for manifest in manifests if manifest.complete]
    files = sum(len(manifest.recorded_files()) for manifest in complete)
    put_line(f"{len(complete)} complete stages, {files} files: all as they were written.")
    put_line(f"digest {run_digest(found)}")
    for manifest in manifests:
        if not manifest.complete:
            say(f"{manifest.stage} is not complete; its digest has no part in the run's.")


def _problems(run: RunFolder) -> list[Problem]:
    """``records.verify``'s; a run whose own manifest is damaged has that one problem, and nothing holds the rest."""
    try:
        return problems_of(Run.open(run))
    except DamageError as error:
        return [Problem(MANIFEST, "damaged", error.problem)]
