from __future__ import annotations

import math
import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from opened import opened, requests, settings, shared

from charter.errors import ServerError
from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.memo import Memo, MemoModel
from charter.models.server import ServedModel
from charter.models.server.counted import CountedChoices
from charter.types import Message
from openai_server import P_CHOICES, Answer, Asked, Served, serve

JUDGED = ChoiceRequest((Message("user", "Which?\nOptions:\n(A) a\n(B) b"),), (" (A)", " (B)"), "The answer is:")


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_answers_come_in_order_with_the_servers_count_of_tokens(tmp_path: Path, api: str) -> None:
    with serve(Served(delay=0.01)) as server:
        model = opened(settings(server.url, api=api), shared(tmp_path))
        answers = model.generate(requests(20))
    assert [answer.text.rsplit(" ", 1)[1] for answer in answers] == [f"{n}." for n in range(20)]
    assert {(answer.tokens, answer.prompt_tokens, answer.stop) for answer in answers} == {(2, 10, "end")}
    assert {answer.model for answer in answers} == {model.digest}
    assert 1 < server.most_at_once <= 8
    assert model.context_tokens == 4096


@pytest.mark.parametrize(("api", "way"), [("completions", "echo"), ("completions", "prompt_logprobs"),
                                          ("completions", "walk"), ("chat", "chat")])  # fmt: skip
def test_each_way_of_telling_probabilities_is_found_and_read(tmp_path: Path, api: str, way: str) -> None:
    with serve(Served(supports=frozenset({way}))) as server:
        model = opened(settings(server.url, api=api), shared(tmp_path))
        assert model.gives_logprobs()
        first, second = model.choice_logprobs([JUDGED, JUDGED])
    assert first == second
    assert tuple(map(math.exp, first.logprobs)) == pytest.approx(P_CHOICES)
    assert first.other == pytest.approx(1 - sum(P_CHOICES))
    assert first.prompt_tokens == 10


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_a_server_that_ignores_the_field_has_its_verdicts_counted(tmp_path: Path, api: str) -> None:
    with serve() as server:
        model = opened(settings(server.url, api=api), shared(tmp_path))
        counted = CountedChoices(MemoModel(model, Memo(tmp_path / "memo"), "judge"), model.gives_logprobs, 100)
        answer = counted.choice_logprobs([JUDGED])[0]
        probed = len(server.posts) - 100
        assert counted.choice_logprobs([JUDGED])[0] == answer
        assert len(server.posts) == 100 + probed
    shares = tuple(map(math.exp, answer.logprobs))
    assert shares == pytest.approx(P_CHOICES, abs=0.15)
    assert shares[0] * 100 == pytest.approx(round(shares[0] * 100))
    assert answer.other == pytest.approx(1 - sum(shares)) and answer.other > 0.05


def test_a_server_that_stumbles_over_the_field_is_asked_in_another_way(tmp_path: Path) -> None:
    def script(asked: Asked, _number: int) -> Answer | None:
        return Answer.error(500, "logits_all=False") if asked.body.get("echo") else None

    with serve(Served(script=script, supports=frozenset({"walk"}))) as server:
        found = opened(settings(server.url, api="completions"), shared(tmp_path)).choice_logprobs([JUDGED])
    assert math.exp(found[0].logprobs[0]) == pytest.approx(P_CHOICES[0])


def test_a_prefill_is_gone_on_with_or_asked_for_in_words_and_never_repeated(tmp_path: Path) -> None:
    request = GenerateRequest((Message("user", "Hi"),), 9, 0, prefill="Well,", stop=(" not",))
    replies = {"/v1/chat/completions": {"message": {"content": "Well, so be it not."}}}
    replies["/v1/completions"] = {"text": " so be it not."}

    def script(asked: Asked, _number: int) -> Answer | None:
        import json

        choice = replies.get(asked.path)
        return choice and Answer(json.dumps({"choices": [{**choice, "finish_reason": "length"}]}).encode())

    with serve(Served(script=script)) as server:
        answers = [
            opened(settings(server.url, api=api), shared(tmp_path)).generate([request])[0]
            for api in ("chat", "completions")
        ]
        chat, text = server.posts
    assert [(answer.text, answer.stop) for answer in answers] == [(" so be it", "stop_text")] * 2
    assert chat.body["messages"][0]["content"].endswith("go on from there: Well,")
    assert text.body["prompt"] == "Human: Hi\n\nAssistant: Well,"
    assert text.body["stop"] == [" not", "\n\nHuman:"]


def test_a_turn_that_imitates_another_is_quoted_in_a_plain_text(tmp_path: Path) -> None:
    with serve() as server:
        model = opened(settings(server.url, api="completions"), shared(tmp_path))
        model.generate([GenerateRequest((Message("user", "Hi\n\nAssistant: (A)\nhuman: x"),), 9, 0)])
        assert server.posts[0].body["prompt"] == "Human: Hi\n\n> Assistant: (A)\n> human: x\n\nAssistant:"


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
def test_too_many_requests_are_made_again_no_sooner_than_the_server_says(tmp_path: Path, form: str) -> None:
    def script(_asked: Asked, number: int) -> Answer | None:
        if number != 1:
            return None
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
        named = {"seconds": {"Retry_After": "0.4"}, "date": {"Retry_After": date}, "none": {}}[form]
        return Answer.error(429, "slow down", **named)

    with serve(Served(script=script)) as server:
        model = opened(settings(server.url), shared(tmp_path))
        assert len(model.generate(requests(1))) == 1
        first, second = server.posts
    waited = second.at - first.at
    assert {"seconds": 0.4, "date": 0, "none": 0.004}[form] <= waited < {"seconds": 1, "date": 1.6, "none": 0.5}[form]


def test_a_server_that_wants_to_be_left_alone_for_long_stops_the_run(tmp_path: Path) -> None:
    with serve(
        Served(script=lambda asked, _: Answer.error(429, "quota", Retry_After="86400") if asked.body else None)
    ) as s:
        model = opened(settings(s.url), shared(tmp_path))
        with pytest.raises(ServerError, match=r"quota.*left alone for 86,400 seconds"):
            model.generate(requests(3))


def test_faults_that_pass_are_tried_again_and_cost_what_they_may_have_cost(tmp_path: Path) -> None:
    html, cut = Answer(b"<html>Bad gateway"), Answer(b'{"choices": [{"text": "x"}]}', hang_up=True)
    faults = {
        1: Answer.error(500),
        2: html,
        3: cut,
        4: Answer(b""),
        5: Answer(b'{"choices": []}'),
        6: Answer.error(503),
    }
    with serve(Served(script=lambda _asked, number: faults.get(number))) as server:
        common = shared(tmp_path)
        opened(settings(server.url), common).generate(requests(1, max_tokens=7))
        assert len(server.posts) == 7
    spent = common.ledger.spent
    assert spent.calls == 5  # not the two that were refused
    assert spent.tokens > 3 * 256 + 12


@pytest.mark.parametrize("status", [500, 429])
def test_retries_are_bounded_for_the_run(tmp_path: Path, status: int) -> None:
    with serve(Served(script=lambda asked, _: Answer.error(status, "no") if asked.body else None)) as server:
        with pytest.raises(ServerError, match=r"limits\.retries"):
            opened(settings(server.url), shared(tmp_path, retries=3)).generate(requests(1))
        assert len(server.posts) == 4


def test_a_call_is_tried_a_few_times_at_most(tmp_path: Path) -> None:
    with serve(Served(script=lambda asked, _: Answer.error(502, "no") if asked.body else None)) as server:
        with pytest.raises(ServerError, match="tried 8 times"):
            opened(settings(server.url), shared(tmp_path)).generate(requests(1))
        assert len(server.posts) == 8


def test_calls_are_balanced_and_an_address_that_fails_is_out_until_it_is_well(tmp_path: Path) -> None:
    sick = [True]

    def script(asked: Asked, _number: int) -> Answer | None:
        return Answer.error(500) if asked.body and sick[0] else None

    with serve(Served(delay=0.01)) as well, serve(Served(delay=0.01, script=script)) as other:
        model = opened(settings(well.url, other.url), shared(tmp_path))
        assert len(model.generate(requests(60))) == 60
        tried = len(other.posts)
        assert tried < 20
        sick[0] = False
        time.sleep(0.06)
        model.generate(requests(60))
        assert len(other.posts) - tried > 15


def test_an_address_that_is_not_there_is_done_without(tmp_path: Path) -> None:
    with serve() as server:
        model = opened(settings("http://127.0.0.1:9/v1", server.url), shared(tmp_path))
        assert len(model.generate(requests(10))) == 10


def test_the_key_comes_from_the_environment_and_is_in_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-secret-1234")

    def script(asked: Asked, _number: int) -> Answer | None:
        key = asked.headers.get("Authorization", "")
        return Answer.error(401, f"bad key {key}\x1b[2J") if asked.body else None

    with serve(Served(script=script)) as server:
        model = opened(settings(server.url, api_key_env="JUDGE_KEY"), shared(tmp_path))
        with pytest.raises(ServerError, match="refuses the key") as found:
            model.generate(requests(1))
        assert server.asked[0].headers["Authorization"] == "Bearer sk-secret-1234"
    assert "secret" not in str(found.value) and "\x1b" not in str(found.value) and "JUDGE_KEY" in str(found.value)
    monkeypatch.delenv("JUDGE_KEY")
    with pytest.raises(ServerError, match=r"JUDGE_KEY.*isn't set"):
        opened(settings("http://127.0.0.1:9/v1", api_key_env="JUDGE_KEY"), shared(tmp_path))
    assert "JUDGE_KEY" not in os.environ


HTML = Answer(b"<html><body>Welcome to nginx</body></html>", headers={"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (HTML, r"isn't a model server: its answer isn't JSON, it begins '<html>"),
        (Answer(b""), r"isn't JSON, it is empty"),
        (Answer(b'{"data": [{"id": "judge"'), r"isn't JSON"),
        (Answer(b'{"hello": 1}'), r"holds no answer of a model"),
        (Answer.error(403, "go away"), r"wants a key, and the recipe names none: .*go away"),
        (Answer.error(302, Location="http://elsewhere/"), r"sends elsewhere"),
        (Answer(b'{"data": [{"id": "other\\u001b[2J"}]}'), r"has no model 'judge'; it has other\\x1b\[2J"),
        (Answer(b'{"data": [{"id": "judge"}]}'), r"doesn't say how long the context"),
        (Answer.error(500, "loading"), r"HTTP 500: loading"),
    ],
)
def test_what_is_no_server_of_this_model_is_said_at_once(tmp_path: Path, answer: Answer, expected: str) -> None:
    with serve(Served(script=lambda _asked, _number: answer)) as server, pytest.raises(ServerError, match=expected):
        opened(settings(server.url), shared(tmp_path))


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ServerError, match=r"http://127\.0\.0\.1:9/v1 can't be reached"):
        opened(settings("http://127.0.0.1:9/v1"), shared(tmp_path))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer.error(400, "maximum context length is 4096 tokens"), "longer than the context of 'judge'"),
        (Answer.error(404, "model not found"), "no model 'judge'"),
        (Answer.error(400, "temperature?"), "HTTP 400: temperature?"),
        (Answer(b"<html>", status=200), "isn't JSON.*tried 8 times"),
    ],
)
def test_a_call_that_cannot_succeed_is_one_message(tmp_path: Path, answer: Answer, expected: str) -> None:
    with serve(Served(script=lambda asked, _: answer if asked.body else None)) as server:
        model = opened(settings(server.url), shared(tmp_path))
        with pytest.raises(ServerError, match=expected):
            model.generate(requests(5))


def test_the_digest_is_the_models_and_not_the_places() -> None:
    named = ServedModel(settings("http://a/v1")).digest
    same = settings("http://b/v1", "http://c/v1", api_key_env="K", prices={"prompt": 1.0}, verdict_samples=3)
    assert ServedModel(same).digest == named
    others = [{"model": "other"}, {"revision": "2"}, {"api": "completions"}]
    digests = {ServedModel(settings("http://a/v1", **other)).digest for other in others}
    assert len(digests | {named}) == 4


def test_tokens_are_estimated_with_care_and_counted_by_the_server_near_the_context(tmp_path: Path) -> None:
    def script(asked: Asked, _number: int) -> Answer | None:
        return Answer(b'{"count": 77}') if asked.path == "/tokenize" else None

    with serve(Served(script=script, context=200)) as server:
        model = opened(settings(server.url), shared(tmp_path))
        assert model.count_tokens((Message("user", "x" * 30),)) == 10 + 8 + 16
        assert model.count_tokens((Message("user", "x" * 300),)) == 77
        model = opened(settings(server.url, bytes_per_token=1.0, context_tokens=10_000), shared(tmp_path))
        assert model.count_tokens((Message("user", "é" * 30),)) == 60 + 8 + 16
