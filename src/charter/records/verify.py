"""Is a run what its manifests say, and what is its one digest?"""

from __future__ import annotations

from charter.digests import digest_of
from charter.errors import DamageError
from charter.records.disk import files_under, is_temporary
from charter.records.journal import JOURNAL, Journal
from charter.records.manifest import MANIFEST
from charter.records.problems import Problem, compare
from charter.records.run import CONSTITUTION, RECIPE, Run
from charter.records.stage import StageFolder


def verify(run: Run) -> list[Problem]:
    """Recomputes every digest of a run, and names every file that is damaged, missing or extra. Nothing is changed.

    In a stage that isn't finished, what no manifest names yet is work in progress or what a killed process left. It is
    never read, and the next session removes it, so there it is no problem. The same holds for files beside the stages'
    folders, such as a report. Raises ``RunError`` for a stage that a newer version wrote.
    """
    manifest = run.manifest
    texts = {RECIPE: manifest.recipe, CONSTITUTION: manifest.constitution}
    problems = [
        Problem(problem.path.partition("/")[2], problem.kind, problem.detail)
        for problem in compare(run.path, texts, present=[])
    ]
    for stage in run.stages():
        problems += _stage_problems(stage)
    return problems


def run_digest(run: Run) -> str:
    """One digest over all finished stages: what they were made from and what they made; no times, dates or paths.

    It is that of the manifests; ``verify`` says whether the files still fit them. Raises ``DamageError`` for a manifest
    that is damaged.
    """
    manifests = [stage.manifest for stage in run.stages() if _is_begun(stage)]
    return digest_of({manifest.stage: manifest.digest for manifest in manifests if manifest.complete})


def _stage_problems(stage: StageFolder) -> list[Problem]:
    present = files_under(stage.path)
    if MANIFEST not in present:
        lost = any(not is_temporary(name) for name in present)
        return [Problem(f"{stage.name}/{MANIFEST}", "missing", "the folder holds files without it")] if lost else []
    try:
        manifest = stage.manifest
    except DamageError as error:
        return [Problem(f"{stage.name}/{MANIFEST}", "damaged", error.problem)]
    if manifest.complete:
        belonging = [name for name in present if name not in (MANIFEST, JOURNAL)]
        return compare(stage.path, manifest.recorded_files(), belonging)
    try:
        entries = Journal(stage.path).entries.values()
    except DamageError as error:
        return [Problem(f"{stage.name}/{JOURNAL}", "damaged", error.problem)]
    return compare(stage.path, {entry.file: entry.digest for entry in entries if entry.rows}, present=[])


def _is_begun(stage: StageFolder) -> bool:
    return (stage.path / MANIFEST).exists()
