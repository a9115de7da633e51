from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from calling import Call

from charter.cli.explaining import sources_of
from charter.cli.selecting import stage_named
from charter.errors import RunError
from charter.pipeline import STAGES
from charter.records import Run
from charter.types import Answer, Conversation, PreferenceLabel, Prompt, RevisionChain

HOSTILE = "\x1b]0;owned\x07[bold red]x[/bold red]\x1b[2J\u202e<script>"


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_stage_can_be_shown_and_as_json_lines(call: Call, run_path: Path, stage: str) -> None:
    shown = call("show", run_path, stage, "--limit", "2")
    assert shown.code == 0 and shown.stdout.strip()
    rows = [json.loads(line) for line in call("show", run_path, stage, "--json").stdout.splitlines()]
    assert all(isinstance(row, dict) for row in rows)
    assert re.search(rf"\d+ of {len(rows)} records of {stage}", shown.stderr)
    assert len(call("show", run_path, stage, "--json", "--limit", "1").stdout.splitlines()) == 1


def test_json_lines_are_the_records(call: Call, run_path: Path) -> None:
    rows = [json.loads(line) for line in call("show", run_path, "5", "--json").stdout.splitlines()]
    labels = list(Run.open(run_path).stage("5-labels").read(PreferenceLabel))
    assert [row["id"] for row in rows] == [label.id for label in labels]
    assert [row["weights"]["a"] for row in rows] == [label.weights.a for label in labels if label.weights]


def test_a_chain_is_shown_with_principle_critique_and_revision(call: Call, run_path: Path) -> None:
    shown = call("show", run_path, "revisions", "--limit", "1").stdout
    assert all(word in shown for word in ("response", "1 principle", "1 critique", "1 revision"))


def test_a_label_is_shown_with_both_orders_and_what_they_come_to(call: Call, run_path: Path) -> None:
    shown = call("show", run_path, "labels", "--limit", "1").stdout
    assert all(word in shown for word in ("principle", "A first", "B first", "p(A better)"))


def test_a_stage_goes_by_number_name_and_folder() -> None:
    assert {stage_named(name) for name in ("2", "revisions", "2-revisions", " Revisions ")} == {"2-revisions"}
    assert (stage_named("8"), stage_named("matches")) == ("8-evaluation", "8-matches")
    with pytest.raises(RunError, match="the nearest is revisions"):
        stage_named("revision")


def test_text_from_a_file_can_neither_steer_the_terminal_nor_be_read_as_markup(call: Call, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", "seed: 0\n", _constitution())
    stage = run.stage("1-prompts")
    stage.begin({})
    stage.write_part(0, [Prompt(HOSTILE, Conversation.of(HOSTILE), "red_team", HOSTILE, HOSTILE, "train")])
    stage.finish({}, 0, 0.0)
    run.close()
    asked = [
        ["show", run.path, "1"],
        ["show", run.path, "1", "--json"],
        ["why", run.path, HOSTILE],
        ["why", run.path, "x\x1b"],
    ]
    for arguments in asked:
        called = call(*arguments)
        said = called.stdout + called.stderr
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", said), arguments
    assert "[bold red]x[/bold red]" in call("show", run.path, "1").stdout


def test_why_walks_from_an_answer_to_its_policy_and_every_stage_behind_it(call: Call, run_path: Path) -> None:
    answer = _answer(run_path, "rl_cai")
    tree = json.loads(call("why", run_path, answer.id, "--json").stdout)
    assert (tree["kind"], tree["name"]) == ("answer", answer.id)
    assert tree["facts"]["model is the policy's"] is True
    names = _names(tree)
    assert {"policy rl_cai", "policy sl_cai", "policy helpful_only", "stage 2-revisions", "stage 5-labels"} <= names
    assert {"preference model 6-preference", f"prompt {answer.prompt.id}"} <= names
    assert answer.id in call("why", run_path, answer.id).stdout


def test_the_principle_drawn_for_a_round_follows_from_seed_prompt_and_round(run_path: Path) -> None:
    """What ``why`` says of the rounds behind an evaluation answer, whose chains are not kept, rests on this."""
    run = Run.open(run_path)
    drawn = sources_of(run).drawn
    rounds = [
        (drawn(chain.prompt.id, number).id, revision.principle_id)
        for chain in run.stage("2-revisions").read(RevisionChain)
        for number, revision in enumerate(chain.revisions, start=1)
    ]
    assert rounds and all(again == recorded for again, recorded in rounds)


def test_an_unknown_id_exits_with_2_and_the_nearest_ids(call: Call, run_path: Path) -> None:
    answer = _answer(run_path, "sl_cai")
    called = call("why", run_path, answer.id[:-1])
    assert called.code == 2 and answer.id in called.stderr


def test_verify_is_content_with_a_run_that_is_as_it_was_written(call: Call, run_path: Path) -> None:
    called = call("verify", run_path)
    assert called.code == 0 and "9 complete stages" in called.stdout
    digest = call("verify", run_path, "--digest")
    assert digest.code == 0 and re.fullmatch(r"[0-9a-f]{64}\n", digest.stdout)
    assert digest.stdout.strip() in called.stdout


def test_verify_names_a_damaged_part_and_exits_with_1_and_nobody_uses_it(call: Call, own_run: Path) -> None:
    part = own_run / "8-evaluation/part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-9] + b"damaged!!")
    (own_run / "5-labels/stray").write_text("x", encoding="utf-8")
    called = call("verify", own_run)
    assert called.code == 1
    assert "damaged: 8-evaluation/part-00000.parquet" in called.stderr and "extra: 5-labels/stray" in called.stderr
    digest = call("verify", own_run, "--digest")
    assert (digest.code, digest.stdout) == (1, "")
    for arguments in (["show", own_run, "8"], ["why", own_run, "x"]):
        used = call(*arguments)
        assert used.code == 2 and "part-00000.parquet is damaged" in used.stderr


def test_verify_names_a_damaged_manifest_of_the_run(call: Call, own_run: Path) -> None:
    (own_run / "manifest.json").write_text("{}", encoding="utf-8")
    called = call("verify", own_run)
    assert called.code == 1 and "manifest.json" in called.stderr


def _answer(path: Path, policy: str) -> Answer:
    return next(answer for answer in Run.open(path).stage("8-evaluation").read(Answer) if answer.policy == policy)


def _names(tree: dict[str, object]) -> set[str]:
    below = [_names(child) for child in tree["because"]]  # pyright: ignore
    return {f"{tree['kind']} {tree['name']}"}.union(*below)


def _constitution() -> str:
    return (
        "name: c\nversion: '1'\npreamble: p\nprinciples:\n"
        "- {id: a, title: t, text: x, critique: c, revision: r, comparison: q}\n"
    )
