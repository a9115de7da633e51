from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import SETS, Call

from charter.export import TARGETS
from charter.records import Run
from charter.types import PreferenceLabel


@pytest.mark.parametrize("target", TARGETS)
def test_a_run_is_exported_in_every_form_and_counted(call: Call, run_path: Path, tmp_path: Path, target: str) -> None:
    called = call("export", run_path, "--to", target, "--out", tmp_path / "out")
    assert called.code == 0 and "README.md" in called.stdout
    assert (tmp_path / "out/README.md").is_file()
    labels = list(Run.open(run_path).stage("5-labels").read(PreferenceLabel))
    if target != "hf-cai":
        assert f"{sum(label.weights is not None for label in labels)}  pairs\n" in called.stdout


def test_an_export_that_would_overwrite_or_has_no_such_form_is_refused(
    call: Call, run_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").touch()
    for arguments, said in (
        ([run_path, "--to", "trl", "--out", tmp_path], "already holds files"),
        ([run_path, "--to", "tlr", "--out", tmp_path / "out"], "Give one of trl, openrlhf"),
        ([tmp_path, "--to", "trl", "--out", tmp_path / "out"], "holds no run"),
    ):
        called = call("export", *arguments)
        assert called.code == 2 and said in called.stderr and "Traceback" not in called.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_prompts_column_and_kind_are_named_on_the_command_line(
    call: Call, tiny_model: Path, tmp_path: Path
) -> None:
    rows = [{"goal": f"tell me about thing {n} and {n + 1}", "prompt": "no"} for n in range(30)]
    rows += [{"goal": f"red {n} {n * n} attack", "kind": "red_team"} for n in range(10)] + rows[:2]
    rows += [{"goal": rows[0]["goal"].upper() + "!"}, {"goal": " "}]
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    made = ["--model", tiny_model, "--prompts", path, *SETS, "--set", "prompts.kind=helpful"]
    mixed = call("run", "--out", tmp_path / "mixed", *made)
    assert mixed.code == 2 and "none of prompt" in mixed.stderr and "prompts.column" in mixed.stderr
    run = tmp_path / "run"
    assert call("init", "--out", run, *made, "--set", "prompts.column=goal").code == 0
    assert call("prompts", run).code == 0
    counts = Run.open(run).stage("1-prompts").manifest.counts
    assert (counts["duplicates"], counts["near_duplicates"], counts["skipped"]) == (2, 1, 1)
    assert (counts["red_team"], counts["helpful"], counts["contaminated"]) == (3, 2, 0)
    reasons = [row["reason"] for row in json.loads((run / "1-prompts/skipped.json").read_text(encoding="utf-8"))]
    assert reasons[0] == "no user turn" and reasons[1].startswith("near-duplicate of ")


def test_how_files_are_read_changes_nothing_about_the_small_worlds_prompts(
    call: Call, tiny_model: Path, tmp_path: Path
) -> None:
    digests: list[str] = []
    for number, more in enumerate(([], ["prompts.near_duplicates=0.1", "prompts.overlap_words=2"])):
        sets = [argument for setting in more for argument in ("--set", setting)]
        assert call("init", "--out", tmp_path / str(number), "--model", tiny_model, *SETS, *sets).code == 0
        assert call("prompts", tmp_path / str(number)).code == 0
        digests.append(Run.open(tmp_path / str(number)).stage("1-prompts").digest)
    assert digests[0] == digests[1]
