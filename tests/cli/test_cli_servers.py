from __future__ import annotations

import gc
from pathlib import Path

import pytest
from calling import SETS, Call

from charter.recipe import Server
from charter.records import Run
from charter.types import PreferenceLabel, RevisionChain
from openai_server import P_CHOICES, Answer, Served, serve


def at(*urls: str, part: str = "judge", **more: object) -> list[str]:
    named = {"url": f"[{', '.join(urls)}]", "model": "judge", **more}
    return [text for name, value in named.items() for text in ("--set", f"models.{part}.{name}={value}")]


@pytest.mark.slow
def test_a_run_with_judge_and_critic_on_a_server_pays_for_each_call_once(
    call: Call, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    with serve(Served(supports=frozenset({"walk"}))) as server, serve(Served(supports=frozenset({"walk"}))) as other:

        def begin(command: str, url: str, out: Path, *more: str) -> str:
            servers = [*at(url, api="completions"), *at(url, part="critic")]
            memo = ("--set", f"memo={tmp_path / 'shared.sqlite'}")
            done = call(command, "--out", out, "--model", tiny_model, *SETS, *servers, *memo, *more)
            assert done.code == (2 if "budget.calls=4" in more else 0), done.stderr
            return done.stderr

        assert "budget.calls=..." in begin("run", server.url, path, "--set", "budget.calls=4")
        assert len(server.posts) == 4
        begin("run", server.url, path)
        gc.collect()  # a run's lock goes with its last reference, and writing the report leaves one in a cycle
        paid = len(server.posts)
        asked = [str(post.body) for post in server.posts]
        assert len(asked) == len(set(asked))
        assert "Nothing to do" in begin("run", other.url, path, "--set", "limits.concurrency=2")
        begin("init", other.url, tmp_path / "second")
        for command in ("prompts", "revise"):
            assert call(command, tmp_path / "second").code == 0
        assert (len(server.posts), len(other.posts)) == (paid, 0)
    found = Run.open(path)
    labels = list(found.stage("5-labels").read(PreferenceLabel))
    verdict = labels[0].judgements[0].verdict
    assert verdict is not None and verdict.usable_mass == pytest.approx(sum(P_CHOICES))
    chains = [chain for chain in found.stage("2-revisions").read(RevisionChain) if chain.revisions]
    assert chains and all(chain.revisions[0].critique.text.startswith("Heard") for chain in chains)
    assert all(not chain.first.text.startswith("Heard") for chain in chains)
    assert found.stage("2-revisions").digest == Run.open(tmp_path / "second").stage("2-revisions").digest
    assert not [file for file in path.rglob("*") if file.is_file() and b"Bearer" in file.read_bytes()]


def test_counted_verdicts_are_said_and_the_memo_can_be_looked_at_and_pruned(
    call: Call, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    with serve() as server:
        made = call("init", "--out", path, "--model", tiny_model, *SETS, *at(server.url, verdict_samples=4))
        assert made.code == 0, made.stderr
        for command in ("prompts", "revise", "sft", "compare"):
            assert call(command, path).code == 0
        assert call("memo", "info", path).code == 2
        done = call("label", path)
        assert done.code == 0 and "counted from 4 sampled answers" in done.stderr
    shown = call("memo", "info", path)
    assert shown.code == 0 and "judge" in shown.stdout and "40" in shown.stdout
    assert call("memo", "prune", path, "--model", "jury").code == 2
    assert call("memo", "prune", path, "--model", "judge").stdout == "40 calls forgotten.\n"
    for label in Run.open(path).stage("5-labels").read(PreferenceLabel):
        for judgement in label.judgements:
            assert judgement.verdict is not None
            assert {4 * judgement.verdict.a % 1, 4 * judgement.verdict.b % 1} <= {0.0} | {1e-16}


def test_what_is_wrong_with_a_server_is_one_message_and_nothing_is_lost(
    call: Call, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with serve(Served(supports=frozenset({"chat"}))) as server:

        def run(*more: str) -> tuple[int, str]:
            done = call("run", "--out", path, "--model", tiny_model, *SETS, *more)
            assert "Traceback" not in done.stderr
            return done.code, done.stderr

        spent = {}
        for wrong, expected in (
            (at("http://127.0.0.1:9/v1"), "can't be reached"),
            (at(server.url, model="jury"), "has no model 'jury'; it has judge"),
            (at(server.url, api_key_env="NO_SUCH_KEY"), "NO_SUCH_KEY"),
            (at(server.url, api_key_env="sk-typed-by-mistake"), "never the key itself"),
            ([*at(server.url), "--set", "budget.calls=4"], "beyond 4 calls (4 spent)"),
            ([*at(server.url), "--set", "budget.calls=3"], "below what"),
            ([*at(server.url), "--set", "budget.money=3"], "prices"),
        ):
            code, said = run(*wrong)
            assert code == 2 and said.count("Error:") == 1 and expected in said, said
            assert "sk-typed" not in said
            spent[expected] = len(server.posts)
        assert spent["below what"] == 4
        page = Answer(b"<html>Welcome</html>")
        server.script = lambda _asked, _number: page
        assert "isn't JSON, it begins '<html>Welcome" in run(*at(server.url))[1]


def test_a_policy_cannot_be_on_a_server(call: Call, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("models:\n  policy: {url: http://localhost/v1, model: m}\n", encoding="utf-8")
    done = call("run", recipe, "--out", tmp_path / "run")
    assert done.code == 2 and "line 2: models.policy: is trained" in done.stderr


def test_an_address_holds_no_secret() -> None:
    for url in ("http://me:secret@host/v1", "http://host/v1?key=secret", "host/v1", "ftp://host/v1"):
        with pytest.raises(ValueError, match="a base URL"):
            Server(url=(url,), model="m")
