from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calling import SETS, Call, Called

import charter.constitution
from charter.cli.boundary import INTERRUPTED, resumable
from charter.cli.taken import Overrides, default_folder, take_recipe
from charter.recipe import Recipe
from charter.records import Run, run_digest
from charter.types import Prompt

SMALL_WORLD = Path(charter.constitution.__file__).parent / "shipped/small-world.yaml"
STAGES = ["prompts", "revise", "sft", "compare", "label", "preference", "rl", "evaluate"]


def test_a_run_ends_with_its_table_its_costs_and_where_the_report_lies(finished_run: tuple[Path, Called]) -> None:
    path, called = finished_run
    assert called.code == 0, called.stderr
    assert "helpful_only" in called.stdout and "harmlessness elo" in called.stdout
    assert "4-comparisons" in called.stdout and "tokens" in called.stdout
    assert f"Report: {path / 'report.html'}" in called.stdout
    assert (path / "report.html").is_file()


def test_progress_goes_to_stderr_as_plain_lines_where_there_is_no_terminal(finished_run: tuple[Path, Called]) -> None:
    _, called = finished_run
    assert "2-revisions: 5 prompts" in called.stderr
    assert "7-rl: done in" in called.stderr
    assert "\x1b" not in called.stderr + called.stdout


def test_a_finished_run_does_no_work_says_so_and_imports_nothing_heavy(run_path: Path, tiny_model: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in run_path.rglob("*") if file.is_file()}
    arguments = ["run", "--out", str(run_path), "--model", str(tiny_model), *SETS]
    script = (
        "import sys; from charter.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'torch', 'transformers', 'matplotlib', 'scipy', 'duckdb'} & set(sys.modules)\n"
        "sys.exit(code or (f'imported {sorted(heavy)}' if heavy else 0))"
    )
    again = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "Nothing to do" in again.stderr
    assert {file: file.stat().st_mtime_ns for file in run_path.rglob("*") if file.is_file()} == before


def test_stage_by_stage_a_run_comes_to_the_same_digest(
    call: Call, run_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "by-hand"
    assert call("init", "--out", path, "--model", tiny_model, *SETS).code == 0
    assert Run.open(path).stages() == []
    for number, command in enumerate(STAGES):
        early = call(STAGES[number + 1], path) if number + 1 < len(STAGES) else None
        assert early is None or (early.code == 2 and f"Run first: charter {command} {path}" in early.stderr)
        done = call(command, path)
        assert done.code == 0, done.stderr
    assert "Next: charter report" in done.stderr
    assert call("report", path).stdout == f"Report: {path / 'report.html'}\n"
    assert run_digest(Run.open(path)) == run_digest(Run.open(run_path))


def test_a_stage_needs_neither_the_folder_nor_the_files_that_the_run_was_started_with(
    call: Call, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_bytes(SMALL_WORLD.read_bytes())
    (tmp_path / "asks.txt").write_text("".join(f"How do I bake bread {n}?\n" for n in range(9)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    made = call("init", "--out", "run", "--model", os.path.relpath(tiny_model), "--prompts", "asks.txt",
                "--constitution", "mine.yaml", *SETS, "--set", "prompts.helpful=0")  # fmt: skip
    assert made.code == 0, made.stderr
    (tmp_path / "mine.yaml").unlink()
    monkeypatch.chdir("/")
    done = call("prompts", tmp_path / "run")
    assert done.code == 0, done.stderr
    assert {prompt.source for prompt in Run.open(tmp_path / "run").stage("1-prompts").read(Prompt)} == {"asks.txt"}


def test_a_report_older_than_the_records_is_made_again(call: Call, own_run: Path, tiny_model: Path) -> None:
    report = own_run / "report.html"
    report.write_text("old", encoding="utf-8")
    os.utime(report, (1, 1))
    assert call("run", "--out", own_run, "--model", tiny_model, *SETS).code == 0
    assert report.stat().st_size > 10_000


def test_options_override_the_recipe(tmp_path: Path) -> None:
    recipe = take_recipe(None, Overrides(("rl.steps=3",), str(tmp_path), "asks.txt", "default"))
    assert (recipe.rl.steps, recipe.models.policy) == (3, str(tmp_path.resolve()))
    assert (recipe.prompts.source, recipe.constitution) == ("asks.txt", "default")
    assert take_recipe(None, Overrides()) == Recipe()


@pytest.mark.parametrize("name", ["", "..", "../../etc", "a/b", "\x1b[31m", "smoke", "..."])
def test_the_default_folder_lies_below_runs_whatever_the_recipe_is_called(name: str) -> None:
    path = default_folder(Recipe(name=name, seed=7))
    assert path.parent == Path("runs")
    assert path.name.endswith("-seed7") and not path.name.startswith(".")
    assert path.name.isprintable()


def test_ctrl_c_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception) as left, resumable():
        raise KeyboardInterrupt
    assert getattr(left.value, "exit_code", None) == INTERRUPTED
    assert "goes on where it stopped" in capsys.readouterr().err


def test_init_refuses_a_folder_that_holds_a_run(call: Call, run_path: Path) -> None:
    refused = call("init", "--out", run_path)
    assert refused.code == 2 and "already holds a run" in refused.stderr


def test_every_command_explains_itself_with_an_example(call: Call) -> None:
    commands = [[name] for name in ("run", "init", *STAGES, "report", "show", "table", "chat", "why", "verify")]
    commands += [["constitution", "show"], ["constitution", "lint"]]
    commands += [["world", name] for name in ("sample", "score", "train")]
    for command in commands:
        shown = call(*command, "--help")
        assert shown.code == 0
        assert f"Example: charter {' '.join(command)}" in " ".join(shown.stdout.split()), command
    assert "Exit codes" in call("--help").stdout
    assert call("--version").stdout.startswith("charter ")


@pytest.mark.parametrize("arguments", [["rnu"], ["run", "--outt", "x"], ["show"], ["world", "sample", "--kind", "x"]])
def test_an_unknown_command_or_option_exits_with_2(call: Call, arguments: list[str]) -> None:
    assert call(*arguments).code == 2
