"""What is refused, and how: OpenAI's error objects, which name the field."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from running_server import running

from charter.models.local import LocalModel
from charter.serve import Served
from charter.serve.exchange import MOST_BYTES

HELLO = [{"role": "user", "content": "Hi"}]
CHAT: dict[str, Any] = {"model": "tiny", "messages": HELLO, "max_tokens": 3, "seed": 0}
TEXT: dict[str, Any] = {"model": "tiny", "prompt": "Hi", "max_tokens": 3, "seed": 0}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("chat/completions", {"max_tokens": 0}, "max_tokens"),
        ("chat/completions", {"max_tokens": "3"}, "max_tokens"),
        ("chat/completions", {"temperature": -1}, "temperature"),
        ("chat/completions", {"n": 1000}, "n"),
        ("chat/completions", {"seed": -1}, "seed"),
        ("chat/completions", {"top_p": 0.5}, "top_p"),
        ("chat/completions", {"tools": [{"type": "function"}]}, "tools"),
        ("chat/completions", {"messages": []}, "messages"),
        ("chat/completions", {"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ("chat/completions", {"guided_choice": ["A", "B"]}, "guided_choice"),
        ("chat/completions", {"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ("chat/completions", {"messages": [{"role": "user", "content": "Hi " * 9000}]}, "messages"),
        ("chat/completions", {"max_tokens": 4096}, "messages"),
        ("completions", {"prompt": [999999]}, "prompt"),
        ("completions", {"prompt": "Hi " * 9000}, "prompt"),
        ("completions", {"logprobs": -1}, "logprobs"),
        ("completions", {"suffix": "x"}, "suffix"),
        ("completions", {"prompt": ["Hi"] * 3000}, None),
        ("completions", {"max_tokens": 0}, None),
        ("completions", {"best_of": 2}, None),
    ],
)
def test_a_bad_field_is_named(http: httpx.Client, path: str, body: dict[str, Any], field: str | None) -> None:
    whole = CHAT if path.startswith("chat") else TEXT
    got = http.post(f"/v1/{path}", json={**whole, **body})
    assert got.status_code == 400
    error = got.json()["error"]
    assert error["param"] == field and error["type"] == "invalid_request_error" and error["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"top_logprobs": 2},
        {"messages": [*HELLO, {"role": "assistant", "content": "I"}], "add_generation_prompt": True},
        {"continue_final_message": True},
        {"messages": [{"role": "assistant", "content": "Hi"}]},
    ],
)
def test_fields_that_do_not_agree_are_refused(http: httpx.Client, body: dict[str, Any]) -> None:
    got = http.post("/v1/chat/completions", json={**CHAT, **body})
    assert got.status_code == 400 and got.json()["error"]["message"].startswith("the body: ")


def test_neutral_values_and_labels_are_taken(http: httpx.Client) -> None:
    more = {"top_p": 1, "presence_penalty": 0, "logit_bias": {}, "tools": [], "user": "me", "stop": None, "n": None}
    assert http.post("/v1/chat/completions", json={**CHAT, **more}).json()["choices"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": "tiny", "messages": [{"role": "user", "content": "\\ud800"}]}', 400),
        (b"[" * 100_000, 400),
        (b" " * (MOST_BYTES + 1), 413),
    ],
)
def test_a_body_that_is_no_request_is_refused(http: httpx.Client, content: bytes, status: int) -> None:
    got = http.post("/v1/chat/completions", content=content, headers={"Content-Type": "application/json"})
    assert got.status_code == status and got.json()["error"]["message"]


def test_only_json_is_read_so_that_no_web_page_can_ask(http: httpx.Client) -> None:
    got = http.post("/v1/chat/completions", content=json.dumps(CHAT), headers={"Content-Type": "text/plain"})
    assert got.status_code == 415


def test_a_request_by_another_machines_name_is_refused(http: httpx.Client) -> None:
    assert http.get("/health", headers={"Host": "evil.example"}).status_code == 400
    assert http.get("/health").json() == {"status": "ok"}


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="'gpt-5' here, but tiny, other") as caught:
        client.chat.completions.create(**{**CHAT, "model": "gpt-5"})
    assert caught.value.code == "model_not_found" and caught.value.param == "model"


def test_a_name_with_control_characters_comes_back_harmless(http: httpx.Client) -> None:
    got = http.post("/v1/chat/completions", json={**CHAT, "model": "\x1b[2J"})
    assert "\x1b" not in got.json()["error"]["message"]


def test_unknown_paths_and_methods_have_error_objects_too(http: httpx.Client) -> None:
    assert http.get("/v2/models").status_code == 404 and http.get("/v2/models").json()["error"]["message"]
    assert http.get("/v1/completions").status_code == 405


def test_an_overrun_context_has_openais_code(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="context is 4096") as caught:
        client.completions.create(model="tiny", prompt=[1] * 4096, max_tokens=1)
    assert caught.value.code == "context_length_exceeded"


def test_a_template_that_refuses_the_turns_says_so(http: httpx.Client) -> None:
    turns = [{"role": "assistant", "content": "Hello?"}, *HELLO]
    got = http.post("/v1/chat/completions", json={**CHAT, "model": "other", "messages": turns})
    assert got.status_code == 400 and got.json()["error"]["param"] == "messages"
    assert "chat template refuses" in got.json()["error"]["message"]


def test_system_texts_of_either_name_and_text_in_parts_are_read(http: httpx.Client) -> None:
    turns = [{"role": "system", "content": "Be kind."}, {"role": "developer", "content": "Be brief."}, *HELLO]
    assert http.post("/v1/chat/completions", json={**CHAT, "messages": turns}).status_code == 200
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    got = http.post("/v1/chat/completions", json={**CHAT, "messages": parts}).json()
    assert got["choices"][0]["message"] == http.post("/v1/chat/completions", json=CHAT).json()["choices"][0]["message"]


def test_a_key_is_asked_for_where_one_is_set(policy: LocalModel) -> None:
    with running(Served({"tiny": policy}, key="correct horse")) as base:
        for wrong in ("wrong", "correct"):
            with OpenAI(base_url=base, api_key=wrong, max_retries=0) as client:
                with pytest.raises(openai.AuthenticationError):
                    client.models.list()
                with pytest.raises(openai.AuthenticationError):
                    client.chat.completions.create(**CHAT)
        with OpenAI(base_url=base, api_key="correct horse") as client:
            assert client.chat.completions.create(**CHAT).choices
        assert "correct horse" not in repr(Served({}, key="correct horse"))


def test_without_a_preference_model_there_are_no_rewards(policy: LocalModel) -> None:
    with running(Served({"tiny": policy})) as base:
        got = httpx.post(base.removesuffix("/v1") + "/get_reward", json={"query": ["x"]})
        assert got.status_code == 404 and "no preference model" in got.json()["error"]["message"]
