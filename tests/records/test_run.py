"""A run's folder: made, opened, taken up by another recipe, and written by one process at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charter.digests import digest_of
from charter.errors import DamageError, FingerprintError, RunError, StorageError
from charter.records import Run, verify

RECIPE, CONSTITUTION = "name: first\nseed: 7\n", "name: words — «quoted»\n"


def test_a_run_gives_back_the_texts_that_it_was_made_by(tmp_path: Path) -> None:
    Run.create(tmp_path / "deep" / "run", RECIPE, CONSTITUTION)
    run = Run.open(tmp_path / "deep" / "run")
    assert (run.recipe_yaml, run.constitution_yaml) == (RECIPE, CONSTITUTION)
    assert run.manifest.seed == 7
    assert run.stages() == []


def test_a_run_is_not_made_over_another_or_over_other_files(tmp_path: Path) -> None:
    Run.create(tmp_path / "run", RECIPE, CONSTITUTION)
    with pytest.raises(RunError, match="already holds a run"):
        Run.create(tmp_path / "run", RECIPE, CONSTITUTION)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_text("x")
    with pytest.raises(RunError, match=r"other files: cat\.png"):
        Run.take_up(tmp_path / "photos", RECIPE, CONSTITUTION)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file"):
        Run.create(tmp_path / "file", RECIPE, CONSTITUTION)


def test_a_folder_without_a_run_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="holds no run"):
        Run.open(tmp_path / "nowhere")


@pytest.mark.parametrize("where", [".", "1-things"])
def test_a_folder_made_by_a_newer_version_says_so(tmp_path: Path, where: str) -> None:
    with Run.create(tmp_path / "run", RECIPE, CONSTITUTION) as run:
        run.stage("1-things").begin({})
    path = run.path / where / "manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"format": 2, "something": "new"}))
    with pytest.raises(RunError, match=r"newer version of Charter \(run format 2; this one reads 1\)"):
        Run.open(run.path).stage("1-things").begin({})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', "\0" * 40])
def test_a_manifest_that_is_no_manifest_is_damage(tmp_path: Path, text: str) -> None:
    run = Run.create(tmp_path / "run", RECIPE, CONSTITUTION)
    (run.path / "manifest.json").write_text(text)
    with pytest.raises(DamageError, match=r"manifest\.json"):
        Run.open(run.path)


def test_a_sealed_document_of_another_shape_is_damage(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", RECIPE, CONSTITUTION)
    document = {"format": 1, "seed": "many"}
    (run.path / "manifest.json").write_text(json.dumps(document | {"seal": digest_of(document)}))
    with pytest.raises(DamageError, match="does not hold what a manifest holds"):
        Run.open(run.path)


def test_an_edited_recipe_is_not_given_back_as_the_runs_own(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", RECIPE, CONSTITUTION)
    (run.path / "recipe.yaml").write_text("seed: 8\n")
    with pytest.raises(DamageError, match=r"recipe\.yaml was changed"):
        _ = run.recipe_yaml


def test_another_recipe_is_written_down_when_a_stage_is_first_computed_by_it(tmp_path: Path) -> None:
    with Run.create(tmp_path / "run", RECIPE, CONSTITUTION) as run:
        for name in ("1-prompts", "2-revisions"):
            stage = run.stage(name)
            stage.begin({"recipe": "old"})
            stage.finish({}, 0, 1.0)
    other = RECIPE.replace("7", "8")
    with Run.take_up(tmp_path / "run", other, CONSTITUTION) as run:
        assert run.stage("1-prompts").begin({"recipe": "old"}) == "complete"
        with pytest.raises(FingerprintError):
            run.stage("2-revisions").begin({"recipe": "new"})
        assert run.recipe_yaml == RECIPE  # still what made all that is there
        (run.path / "2-revisions" / "manifest.json").unlink()  # the way on that the error names
        (run.path / "2-revisions").rmdir()
        assert run.stage("2-revisions").begin({"recipe": "new"}) == "new"
        assert (run.recipe_yaml, run.manifest.seed) == (other, 8)
        assert verify(run) == []


def test_a_creation_that_was_interrupted_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("half of a re")
    (tmp_path / ".constitution.yaml.tmp").write_text("half of a con")
    assert Run.create(tmp_path, RECIPE, CONSTITUTION).recipe_yaml == RECIPE


@pytest.mark.parametrize("name", ["revisions", "2-", "../2-revisions", "2-Revisions", "2-a/b", ""])
def test_a_name_that_is_no_stages_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="names no stage"):
        Run.create(tmp_path, RECIPE, CONSTITUTION).stage(name)


def test_stages_come_in_the_methods_order(tmp_path: Path) -> None:
    with Run.create(tmp_path, RECIPE, CONSTITUTION) as run:
        for name in ("10-more", "2-revisions", "1-prompts"):
            run.stage(name).begin({})
        (tmp_path / "notes").mkdir()
        assert [stage.name for stage in run.stages()] == ["1-prompts", "2-revisions", "10-more"]


def test_two_writers_at_once_are_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    with Run.create(tmp_path, RECIPE, CONSTITUTION) as run:
        run.stage("1-prompts").begin({})
        run.stage("2-revisions").begin({})  # the same writer
        other = Run.open(tmp_path)
        with pytest.raises(RunError, match="another process is writing"):
            other.stage("1-prompts").begin({})
        assert verify(other) == []  # reading needs no lock
    assert other.stage("1-prompts").begin({}) == "partial"
    other.close()


HOLDER = """
import sys, time
from pathlib import Path
from charter.records import Run
stage = Run.open(Path(sys.argv[1])).stage("1-prompts")
stage.begin({})
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_writer_gives_the_lock_back(tmp_path: Path) -> None:
    Run.create(tmp_path, RECIPE, CONSTITUTION).close()
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with Run.open(tmp_path) as run, pytest.raises(RunError, match="another process is writing"):
            run.stage("1-prompts").begin({})
        os.kill(holder.pid, signal.SIGKILL)
    with Run.open(tmp_path) as run:
        assert run.stage("1-prompts").begin({}) == "partial"
