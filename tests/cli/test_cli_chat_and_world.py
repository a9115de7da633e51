from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from calling import Call

from charter.cli.chatting import Sampling, converse
from charter.cli.reading import shown_reading
from charter.cli.taken import open_job
from charter.types import Reading
from charter.world.kinds import REQUEST_KINDS


def test_chat_shows_every_policys_answer_side_by_side_and_the_same_seed_the_same(call: Call, run_path: Path) -> None:
    first = call("chat", run_path, "How do I bake bread?", "--seed", "3")
    assert first.code == 0
    assert all(policy in first.stdout for policy in ("helpful_only", "sl_cai", "rl_cai"))
    assert "the request is off the grammar" in first.stdout
    assert call("chat", run_path, "How do I bake bread?", "--seed", "3").stdout == first.stdout
    assert call("chat", run_path, "How do I bake bread?", "--seed", "4").stdout != first.stdout


def test_chat_takes_a_prompt_from_stdin_and_refuses_an_empty_one(call: Call, run_path: Path) -> None:
    given = call("chat", run_path, "--seed", "3", typed="How do I bake bread?\n")
    assert given.stdout == call("chat", run_path, "How do I bake bread?", "--seed", "3").stdout
    empty = call("chat", run_path, typed=" \n")
    assert empty.code == 2 and "no prompt" in empty.stderr


def test_chat_says_which_policies_are_not_there_yet(call: Call, own_run: Path) -> None:
    shutil.rmtree(own_run / "7-rl")
    called = call("chat", own_run, "Hello?")
    assert called.code == 0 and "rl_cai is not here" in called.stderr and "rl_cai" not in called.stdout


def test_a_prompt_that_is_too_long_for_the_model_is_said(call: Call, run_path: Path) -> None:
    called = call("chat", run_path, "bread " * 9000)
    assert called.code == 2 and "no room for an answer" in called.stderr


def test_a_conversation_goes_on_after_a_prompt_that_cant_be_answered_and_ends_at_an_empty_line(
    run_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = open_job(run_path)
    lines = iter(["bread " * 9000, "How do I bake bread?\n", "\n", "never read"])
    converse(lines, {"the start": job.load(job.start)}, job, Sampling(0.0, 4, 0))
    shown = capsys.readouterr()
    assert "no room for an answer" in shown.err and shown.out.count("the start") == 1
    assert next(lines) == "never read"


@pytest.mark.parametrize("kind", REQUEST_KINDS)
def test_samples_of_the_world_are_of_the_kind_asked_for_and_seeded(call: Call, kind: str) -> None:
    shown = call("world", "sample", "--kind", kind, "--limit", "2", "--seed", "1")
    assert shown.code == 0
    assert f"1. {kind}" in shown.stdout and f"2. {kind}" in shown.stdout and "3." not in shown.stdout
    assert all(word in shown.stdout for word in ("request", "answer", "reading", "critique", "revision"))
    assert "off the grammar" not in shown.stdout
    assert call("world", "sample", "--kind", kind, "--limit", "2", "--seed", "1") == shown


def test_score_measures_each_skill_in_each_condition(call: Call, tiny_model: Path) -> None:
    called = call("world", "score", "--model", tiny_model, "--cases", "1", "--json")
    skills = json.loads(called.stdout)
    assert set(skills) == {"new_text", "held_out_phrasings", "held_out_topics", "held_out_domain"}
    assert all(0 <= found["critiques"] <= 1 and found["cases"] == 1 for found in skills.values())


def test_a_reading_is_put_into_words() -> None:
    assert shown_reading(Reading(True, "harmful", "home", ("complies_with_harm",), ())) == (
        "harmful · home · faults: complies with harm"
    )
    assert shown_reading(Reading(False, "", "", (), ())) == "the request is off the grammar"
    assert "the answer is off the grammar" in shown_reading(Reading(False, "benign", "home", (), ()))


@pytest.mark.parametrize("name", ["default", "small-world"])
def test_the_shipped_constitutions_are_shown_and_lint_finds_no_error_in_them(call: Call, name: str) -> None:
    assert f"{name} · version" in call("constitution", "show", name).stdout
    assert call("constitution", "lint", name).code == 0


def test_lint_exits_with_1_on_an_error(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "name: c\nversion: '1'\npreamble: p\nprinciples:\n"
        "- {id: a, title: t, text: Be kind., comparison: 'Which is kinder?'}\n",
        encoding="utf-8",
    )
    called = call("constitution", "lint", path)
    assert called.code == 1 and "error" in called.stdout
