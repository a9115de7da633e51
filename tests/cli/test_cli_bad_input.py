"""What people get wrong ends in one message on stderr, exit code 2 and no traceback (``call`` lets none pass)."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from calling import SETS, Call

from charter.digests import digest_of

PRINCIPLE = "{id: a, title: t, text: x, critique: c, revision: r, comparison: q}"


def constitution(*principles: str) -> str:
    return "name: c\nversion: '1'\npreamble: p\nprinciples:\n" + "".join(f"- {text}\n" for text in principles)


def assert_refused(call: Call, arguments: list[object], *said: str) -> None:
    called = call(*arguments)
    assert called.code == 2, called
    assert called.stderr.count("Error: ") == 1
    assert "Traceback" not in called.stderr
    assert all(words in called.stderr for words in said), called.stderr


def test_a_recipe_that_is_missing_or_a_folder(call: Call, tmp_path: Path) -> None:
    assert_refused(call, ["run", tmp_path / "no.yaml"], "there is no file", "no.yaml")
    assert_refused(call, ["run", tmp_path], "can't be read")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rl: {steps: 3\nname: x\n", ("line 2",)),
        ("name: x\nrl:\n  steps: many\n", ("line 3", "rl.steps")),
        ("name: x\nrl:\n  stepz: 3\n", ("line 3", "stepz", "steps")),
        ("- 1\n", ("line 1",)),
    ],
)
def test_a_recipe_at_fault_is_named_with_line_and_field(
    call: Call, tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    for command in ("run", "init"):
        assert_refused(call, [command, tmp_path / "r.yaml", "--out", tmp_path / "run"], "r.yaml", *said)
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_not_utf8(call: Call, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"name: \xff\n")
    assert_refused(call, ["run", tmp_path / "r.yaml"], "not UTF-8", "line 1")


@pytest.mark.parametrize(
    ("setting", "said"),
    [("rl.stepz=3", "rl.steps"), ("rl=3", "section"), ("rl.steps", "FIELD=VALUE"), ("rl.steps=x", "rl.steps")],
)
def test_a_setting_at_fault(call: Call, tmp_path: Path, setting: str, said: str) -> None:
    assert_refused(call, ["run", "--out", tmp_path / "run", "--set", setting], f"--set {setting}", said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (constitution(PRINCIPLE, PRINCIPLE), ("line 6", "a")),
        (constitution(PRINCIPLE.replace("text: x", "text: ''")), ("line 5", "text")),
        (constitution(), ("principles",)),
        (constitution(PRINCIPLE.replace("title", "titel")), ("line 5", "titel", "title")),
    ],
)
def test_a_constitution_with_a_duplicate_or_empty_principle_or_an_unknown_field(
    call: Call, tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    for arguments in (["constitution", "show", path], ["constitution", "lint", path]):
        assert_refused(call, [*arguments], *said)
    assert_refused(call, ["run", "--constitution", path, "--out", tmp_path / "run"], *said)


def test_a_constitution_that_nobody_ships(call: Call) -> None:
    assert_refused(call, ["constitution", "show", "defualt"], "the nearest name is default")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (("model.safetensors",), "no weights"),
        (("tokenizer.json",), "no tokenizer"),
        (("chat_template.jinja",), "no chat template"),
        (("config.json",), "no config.json"),
    ],
)
def test_a_model_folder_that_lacks_something(
    call: Call, tiny_model: Path, tmp_path: Path, gone: tuple[str, ...], said: str
) -> None:
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    for name in gone:
        (model / name).unlink()
    for command in ("run", "init"):
        assert_refused(call, [command, "--model", model, "--out", tmp_path / "run"], said)
    assert_refused(call, ["world", "score", "--model", model], said)
    assert_refused(call, ["world", "score", "--model", tmp_path / "none"], "there is no model folder")


def test_prompts_that_are_missing_not_utf8_without_a_user_turn_or_too_long(
    call: Call, tiny_model: Path, tmp_path: Path
) -> None:
    def refused(name: str, data: bytes, *said: str) -> None:
        (tmp_path / name).write_bytes(data)
        out = tmp_path / f"run-{name}"
        assert_refused(call, ["run", "--model", tiny_model, "--prompts", tmp_path / name, "--out", out, *SETS], *said)

    assert_refused(
        call,
        ["run", "--model", tiny_model, "--prompts", tmp_path / "no.txt", "--out", tmp_path / "a"],
        "no prompt file",
    )
    refused("latin.txt", b"How?\ncaf\xe9\n", "latin.txt", "UTF-8")
    refused("turns.jsonl", json.dumps({"messages": [{"role": "assistant", "content": "Hi"}]}).encode(), "1 rows")
    refused("long.txt", b"".join(b"bread %d " % n * 5000 + b"\n" for n in range(9)), "fits into the model's context")


def test_a_run_made_by_another_recipe(call: Call, run_path: Path, tiny_model: Path) -> None:
    again = ["run", "--out", run_path, "--model", tiny_model, *SETS, "--set", "sft.epochs=2"]
    assert_refused(call, again, "3-sft was made from something else", "recipe.sft changed", "--out")


def test_a_run_written_by_a_newer_version(call: Call, own_run: Path) -> None:
    path = own_run / "manifest.json"
    document = {**json.loads(path.read_text(encoding="utf-8")), "format": 99}
    del document["seal"]
    path.write_text(json.dumps({**document, "seal": digest_of(document)}), encoding="utf-8")
    for command, *more in (["verify"], ["table"], ["sft"], ["why", "x"], ["show", "1"], ["chat", "x"]):
        assert_refused(call, [command, own_run, *more], "newer version of Charter")


def test_a_recipe_or_constitution_that_was_edited_in_the_folder(call: Call, own_run: Path) -> None:
    with (own_run / "recipe.yaml").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    assert_refused(call, ["sft", own_run], "recipe.yaml was changed")
    with (own_run / "constitution.yaml").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    assert_refused(call, ["why", own_run, "x"], "constitution.yaml was changed")


@pytest.mark.parametrize("command", ["show", "verify", "table", "chat", "why", "sft", "report"])
def test_a_folder_that_holds_no_run(call: Call, tmp_path: Path, command: str) -> None:
    more = {"show": ["1"], "why": ["x"], "chat": ["x"]}.get(command, [])
    assert_refused(call, [command, tmp_path, *more], "holds no run")


def test_a_folder_that_holds_something_else(call: Call, tiny_model: Path) -> None:
    assert_refused(call, ["init", "--out", tiny_model], "other files")


def test_a_stage_that_is_unknown_or_not_there_yet(call: Call, own_run: Path) -> None:
    assert_refused(call, ["show", own_run, "labls"], "the nearest is labels")
    shutil.rmtree(own_run / "7-rl")
    assert_refused(call, ["show", own_run, "rl"], "no stage 7-rl yet")
    assert_refused(call, ["evaluate", own_run], f"Run first: charter rl {own_run}")


def test_a_name_that_is_too_long_for_the_disk(call: Call) -> None:
    assert_refused(call, ["constitution", "show", "x" * 5000], "File name too long")


def test_a_full_disk_is_said_and_what_was_committed_stays_valid(call: Call, own_run: Path) -> None:
    shutil.rmtree(own_run / "8-matches")
    with largest_file(2000):
        assert_refused(call, ["evaluate", own_run], "could not write", "stays valid")
    assert call("verify", own_run).code == 0
    assert call("evaluate", own_run).code == 0


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As on a full disk, a file can't be written beyond this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
