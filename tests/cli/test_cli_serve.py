"""``charter serve``: what it serves, what it refuses, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from calling import Call

from charter.cli import serving
from charter.cli.taken import open_job
from charter.preference import PreferenceScorer
from charter.stage_names import PREFERENCE


class Process:
    """The command in a process of its own, as a person starts it. ``said`` is what it wrote up to its address."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "charter", "serve", *map(str, arguments), "--port", "0"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.said = ""
        assert self._process.stderr
        for line in self._process.stderr:
            self.said += line
            if found := re.search(r" at (http://\S+)/v1\. ", line):
                self.address = found[1]
                return
        raise AssertionError(self.said)

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what it said last."""
        self._process.send_signal(signal.SIGINT)
        _, said = self._process.communicate(timeout=20)
        return self._process.returncode, said

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.address}/health").raise_for_status()
                return
            except httpx.TransportError:
                time.sleep(0.02)


def test_a_runs_policies_and_rewards_are_served_until_ctrl_c(run_path: Path) -> None:
    process = Process(run_path)
    try:
        process.wait_until_ready()
        models = httpx.get(f"{process.address}/v1/models").json()["data"]
        turns = [{"role": "user", "content": "How do I bake bread?"}, {"role": "assistant", "content": "With flour."}]
        rewards = httpx.post(f"{process.address}/score", json={"conversations": [turns]}).json()["rewards"]
        body = {"model": "rl_cai", "messages": turns[:1], "max_tokens": 4, "seed": 0}
        answer = httpx.post(f"{process.address}/v1/chat/completions", json=body, timeout=30).json()
    finally:
        code, said = process.interrupt()
    assert [model["id"] for model in models] == ["helpful_only", "sl_cai", "rl_cai"]
    assert answer["choices"] and answer["model"] == "rl_cai"
    folder = open_job(run_path).trained(PREFERENCE)
    assert folder
    from charter.types import Message

    want = PreferenceScorer.load(folder.path).score([((Message("user", turns[0]["content"]),), "With flour.")])
    assert rewards == pytest.approx(want, abs=1e-3)
    assert (code, said.strip()) == (130, "Stopped.")
    assert "Whoever" not in process.said and "Traceback" not in process.said


def test_what_cannot_be_served_is_said_at_once(
    call: Call, run_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHARTER_TEST_KEY", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wrong = [
            ((run_path, "--policy", "best"), "no policy 'best'"),
            ((tiny_model, "--policy", "rl_cai"), "is no run"),
            ((tiny_model, "--api-key-env", "CHARTER_TEST_KEY"), "CHARTER_TEST_KEY holds no key"),
            ((tiny_model / "nowhere",), "no model folder"),
            ((tiny_model, "--port", port), f"can't listen on 127.0.0.1, port {port}"),
            ((tiny_model, "--host", "no.such.host.invalid"), "can't listen on no.such.host.invalid"),
        ]
        for arguments, message in wrong:
            called = call("serve", *arguments)
            assert called.code == 2 and message in called.stderr and not called.stdout


def test_a_policy_that_a_run_has_not_made_is_said(call: Call, tiny_model: Path, tmp_path: Path) -> None:
    call("init", "--out", tmp_path / "run", "--model", tiny_model)
    called = call("serve", tmp_path / "run", "--policy", "rl_cai")
    assert called.code == 2 and "rl_cai is not here: 7-rl is not complete" in called.stderr


@pytest.mark.parametrize("exact", [True, False])
def test_a_model_is_served_by_its_folders_name_and_as_exactly_as_asked(tiny_model: Path, exact: bool) -> None:
    (served,) = serving._model(str(tiny_model), None, exact).policies.items()
    assert served[0] == tiny_model.name and served[1].network.exact is exact


def test_one_policy_of_a_run_is_loaded_alone(run_path: Path) -> None:
    served = serving._run(open_job(run_path), "sl_cai", None, True)
    assert list(served.policies) == ["sl_cai"] and served.scorer is not None
    assert served.policies["sl_cai"].network.exact
