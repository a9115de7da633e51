"""Verify finds every kind of tampering, and the run's digest is that of its content alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from charter.errors import DamageError
from charter.records import Run, run_digest, verify
from charter.types import Message


def make_run(path: Path, seconds: float = 1.0) -> Run:
    """Two finished stages, one with files besides its parts, and one that was interrupted."""
    with Run.create(path, "seed: 7\n", "name: c\n") as run:
        answers = run.stage("1-answers")
        answers.begin({"prompts": "aa"})
        answers.write_part(0, [Message("user", "a"), Message("assistant", "b")])
        answers.write_part(1, [])
        answers.write_part(2, [Message("user", "c")])
        answers.finish({"answers": 3}, 12, seconds)
        training = run.stage("2-training")
        training.begin({"answers": answers.digest})
        (training.path / "model").mkdir()
        (training.path / "model" / "weights").write_bytes(bytes(range(256)))
        training.finish({}, 0, seconds, training.files_under("model"))
        half = run.stage("3-labels")
        half.begin({"model": training.digest})
        half.write_part(0, [Message("user", "d")])
    return run


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def edit_count(path: Path) -> None:
    document = json.loads(path.read_text())
    document["counts"]["answers"] = 4
    path.write_text(json.dumps(document, indent=2))


def edit_seconds(path: Path) -> None:
    path.write_text(path.read_text().replace('"seconds": 1.0', '"seconds": 0.5'))


def add(path: Path) -> None:
    shutil.copy(path.parents[1] / "1-answers" / "part-00000.parquet", path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_an_untouched_run_has_no_problem(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert verify(run) == verify(Run.open(run.path)) == []


@pytest.mark.parametrize(
    ("tamper", "path", "kind"),
    [
        (flip, "1-answers/part-00000.parquet", "damaged"),
        (truncate, "1-answers/part-00002.parquet", "damaged"),
        (flip, "2-training/model/weights", "damaged"),
        (flip, "3-labels/part-00000.parquet", "damaged"),
        (flip, "3-labels/parts.jsonl", "damaged"),
        (flip, "recipe.yaml", "damaged"),
        (flip, "constitution.yaml", "damaged"),
        (edit_count, "1-answers/manifest.json", "damaged"),
        (edit_seconds, "1-answers/manifest.json", "damaged"),
        (flip, "1-answers/manifest.json", "damaged"),
        (flip, "3-labels/manifest.json", "damaged"),
        (Path.unlink, "1-answers/part-00000.parquet", "missing"),
        (Path.unlink, "2-training/model/weights", "missing"),
        (Path.unlink, "3-labels/part-00000.parquet", "missing"),
        (Path.unlink, "1-answers/manifest.json", "missing"),
        (Path.unlink, "3-labels/manifest.json", "missing"),
        (Path.unlink, "recipe.yaml", "missing"),
        (add, "1-answers/part-00001.parquet", "extra"),
        (add, "1-answers/part-00003.parquet", "extra"),
        (add, "2-training/.hidden", "extra"),
        (add, "2-training/adapter.bin", "extra"),
    ],
)
def test_each_kind_of_tampering_is_found_and_its_file_named(
    tmp_path: Path, tamper: Callable[[Path], None], path: str, kind: str
) -> None:
    run = make_run(tmp_path / "run")
    tamper(run.path / path)
    assert [(problem.path, problem.kind) for problem in verify(run)] == [(path, kind)]


def test_an_edited_manifest_of_the_run_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    path = run.path / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 8'))
    with pytest.raises(DamageError, match=r"run/manifest\.json was changed"):
        Run.open(run.path)


def test_several_problems_are_all_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    flip(run.path / "1-answers" / "part-00000.parquet")
    (run.path / "2-training" / "model" / "weights").unlink()
    flip(run.path / "3-labels" / "part-00000.parquet")
    assert len(verify(run)) == 3


def test_a_report_beside_the_stages_is_no_problem(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run.path / "report.html").write_text("<p>")
    assert verify(run) == []


def test_the_runs_digest_depends_on_neither_time_nor_place(tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a"), make_run(tmp_path / "elsewhere" / "b", seconds=9.0)
    assert run_digest(first) == run_digest(second)


def test_the_runs_digest_covers_finished_stages_only(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    before = run_digest(run)
    shutil.rmtree(run.path / "3-labels")
    assert run_digest(run) == before
    shutil.rmtree(run.path / "2-training")
    assert run_digest(run) != before
