"""Chat and completions, through OpenAI's own client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from openai import OpenAI
from running_server import running

from charter.models.base import GenerateRequest
from charter.models.local import LocalModel
from charter.models.rendering import encode, render_tokens
from charter.seeds import derive_seed
from charter.serve import Served
from charter.serve.asking import SERVER_SEED
from charter.types import Message

QUESTION: list[Any] = [{"role": "user", "content": "How do I bake bread?"}]
TEXT = "The assistant should be helpful, honest and harmless"


def plain_logprobs(model: LocalModel, tokens: list[int]) -> torch.Tensor:
    """The log-probability of each token but the first, by one forward pass of Transformers' own."""
    with torch.inference_mode():
        logits = model.module(torch.tensor([tokens])).logits[0].float()
    return logits[:-1].log_softmax(-1)


def test_the_models_are_listed_by_name(client: OpenAI, policy: LocalModel) -> None:
    assert [model.id for model in client.models.list()] == ["tiny", "other"]
    assert client.models.retrieve("tiny").model_extra == {
        "max_model_len": policy.context_tokens,
        "digest": policy.digest,
    }


def test_a_chat_is_answered_as_the_model_answers_in_process(client: OpenAI, policy: LocalModel) -> None:
    got = client.chat.completions.create(model="tiny", messages=QUESTION, max_tokens=20, seed=7, temperature=0.8)
    (want,) = policy.generate([GenerateRequest((Message("user", QUESTION[0]["content"]),), 20, 7, 0.8)])
    assert got.choices[0].message.content == want.text
    assert got.usage is not None
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (want.prompt_tokens, want.tokens)
    assert got.choices[0].finish_reason == {"end": "stop", "length": "length"}[want.stop]


def test_each_policy_answers_under_its_own_name(client: OpenAI, other_policy: LocalModel) -> None:
    got = client.chat.completions.create(model="other", messages=QUESTION, max_tokens=9, seed=3)
    (want,) = other_policy.generate([GenerateRequest((Message("user", QUESTION[0]["content"]),), 9, 3)])
    assert got.choices[0].message.content == want.text


def test_an_answer_that_is_begun_is_gone_on_with(client: OpenAI, policy: LocalModel) -> None:
    begun = [*QUESTION, {"role": "assistant", "content": "The answer is: ("}]
    extra = {"continue_final_message": True, "add_generation_prompt": False}
    got = client.chat.completions.create(model="tiny", messages=begun, max_tokens=8, seed=1, extra_body=extra)
    asked = GenerateRequest((Message("user", QUESTION[0]["content"]),), 8, 1, prefill="The answer is: (")
    assert got.choices[0].message.content == policy.generate([asked])[0].text


def test_chat_logprobs_are_those_of_a_plain_forward_pass(client: OpenAI, policy: LocalModel) -> None:
    got = client.chat.completions.create(
        model="tiny", messages=QUESTION, max_tokens=12, seed=2, logprobs=True, top_logprobs=5
    )
    assert got.choices[0].logprobs and got.choices[0].logprobs.content
    entries = got.choices[0].logprobs.content
    prompt = render_tokens(policy.tokenizer, (Message("user", QUESTION[0]["content"]),))
    sample = policy.sample([GenerateRequest((Message("user", QUESTION[0]["content"]),), 12, 2)])[0]
    drawn = [token for token in sample.drawn if token not in policy.ends]
    rows = plain_logprobs(policy, [*prompt, *drawn])[len(prompt) - 1 :]
    assert len(entries) == len(drawn)
    for entry, row, token in zip(entries, rows, drawn, strict=True):
        assert entry.logprob == pytest.approx(row[token].item(), abs=1e-4)
        assert [top.logprob for top in entry.top_logprobs] == pytest.approx(row.topk(5).values.tolist(), abs=1e-4)
    if "\ufffd" not in str(got.choices[0].message.content):
        assert "".join(entry.token for entry in entries) == got.choices[0].message.content


def test_echoed_logprobs_are_those_of_a_plain_forward_pass(client: OpenAI, policy: LocalModel) -> None:
    got = client.completions.create(model="tiny", prompt=TEXT, echo=True, max_tokens=0, logprobs=3)
    tokens = encode(policy.tokenizer, [TEXT])[0]
    rows = plain_logprobs(policy, tokens)
    found = got.choices[0].logprobs
    assert got.choices[0].text == TEXT and found and found.tokens and found.token_logprobs and found.top_logprobs
    assert "".join(found.tokens) == TEXT and found.token_logprobs[0] is None
    want = [row[token].item() for row, token in zip(rows, tokens[1:], strict=True)]
    assert found.token_logprobs[1:] == pytest.approx(want, abs=1e-4)
    for row, top, own in zip(rows, found.top_logprobs[1:], want, strict=True):
        best = sorted(row.topk(3).values.tolist(), reverse=True)
        assert sorted(top.values(), reverse=True)[:1] == pytest.approx(best[:1], abs=1e-4)
        assert any(value == pytest.approx(own, abs=1e-4) for value in top.values())
    assert found.text_offset == [len("".join(found.tokens[:i])) for i in range(len(found.tokens))]


def test_an_echo_with_a_continuation_scores_both(client: OpenAI, policy: LocalModel) -> None:
    tokens = encode(policy.tokenizer, [TEXT])[0]
    got = client.completions.create(model="tiny", prompt=tokens, echo=True, max_tokens=5, logprobs=0, seed=4)
    alone = client.completions.create(model="tiny", prompt=TEXT, max_tokens=5, logprobs=0, seed=4)
    both, rest = got.choices[0], alone.choices[0]
    assert both.text == TEXT + rest.text
    assert both.logprobs and rest.logprobs and both.logprobs.token_logprobs and rest.logprobs.token_logprobs
    count = len(rest.logprobs.token_logprobs)
    assert both.logprobs.token_logprobs[-count:] == pytest.approx(rest.logprobs.token_logprobs, abs=1e-4)
    assert rest.logprobs.text_offset and rest.logprobs.text_offset[0] == len(TEXT)


@pytest.mark.parametrize("stop", [None, ["e", "xyz"]])
def test_a_streamed_chat_is_the_whole_one_in_pieces(client: OpenAI, stop: list[str] | None) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": QUESTION, "max_tokens": 40, "seed": 11, "n": 2}
    asked |= {"stop": stop, "logprobs": True, "top_logprobs": 2}
    whole = client.chat.completions.create(**asked)
    texts, ends, logprobs = ["", ""], ["", ""], [[], []]
    usage = None
    for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends[choice.index] = choice.finish_reason or ends[choice.index]
            logprobs[choice.index] += choice.logprobs.content if choice.logprobs else []
    assert texts == [choice.message.content for choice in whole.choices]
    assert ends == [choice.finish_reason for choice in whole.choices]
    assert usage == whole.usage
    for pieces, choice in zip(logprobs, whole.choices, strict=True):
        assert choice.logprobs and choice.logprobs.content
        assert [piece.token for piece in pieces] == [entry.token for entry in choice.logprobs.content]


def test_a_streamed_completion_is_the_whole_one_in_pieces(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "prompt": [TEXT, "Human:"], "max_tokens": 12, "seed": 5}
    whole = client.completions.create(**asked)
    texts = ["", ""]
    for chunk in client.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in whole.choices]


def test_requests_at_once_are_answered_as_each_alone(client: OpenAI) -> None:
    asked = [
        {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 15, "seed": seed}
        for seed, (model, text) in enumerate([("tiny", "Hi"), ("other", "Hi"), ("tiny", TEXT), ("tiny", "Hi")] * 3)
    ]
    alone = [client.chat.completions.create(**one).choices[0].message.content for one in asked]  # type: ignore[call-overload]
    with ThreadPoolExecutor(len(asked)) as pool:
        together = pool.map(lambda one: client.chat.completions.create(**one).choices[0].message.content, asked)
    assert list(together) == alone
    assert len(set(alone)) == len(alone)


def test_samples_differ_and_the_first_has_the_requests_own_seed(client: OpenAI) -> None:
    several = client.chat.completions.create(model="tiny", messages=QUESTION, max_tokens=15, seed=9, n=3)
    one = client.chat.completions.create(model="tiny", messages=QUESTION, max_tokens=15, seed=9)
    texts = [choice.message.content for choice in several.choices]
    assert texts[0] == one.choices[0].message.content and len(set(texts)) == 3
    assert several.usage and one.usage and several.usage.prompt_tokens == one.usage.prompt_tokens


def test_requests_without_a_seed_differ_by_their_number(policy: LocalModel) -> None:
    with running(Served({"tiny": policy})) as base, OpenAI(base_url=base, api_key="unused") as client:
        texts = [
            client.chat.completions.create(model="tiny", messages=QUESTION, max_tokens=15).choices[0].message.content
            for _ in range(2)
        ]
    messages = (Message("user", QUESTION[0]["content"]),)
    seeds = [derive_seed(SERVER_SEED, "request", number, 0) for number in range(2)]
    assert texts == [policy.generate([GenerateRequest(messages, 15, seed)])[0].text for seed in seeds]


def test_a_stop_text_ends_the_answer_before_it(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": QUESTION, "max_tokens": 60, "seed": 11, "temperature": 1.0}
    whole = str(client.chat.completions.create(**asked).choices[0].message.content)
    stop = whole[10:12]
    choice = client.chat.completions.create(**asked, stop=stop, logprobs=True).choices[0]
    assert choice.message.content == whole[: whole.index(stop)] and choice.finish_reason == "stop"
    assert choice.logprobs and choice.logprobs.content
    told = "".join(entry.token for entry in choice.logprobs.content)
    assert "\ufffd" in told or told.startswith(str(choice.message.content))


def test_greedy_needs_no_seed_and_the_coldest_temperatures_are_greedy(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": QUESTION, "max_tokens": 15}
    texts = [
        client.chat.completions.create(**asked, temperature=temperature).choices[0].message.content
        for temperature in (0, 0, 1e-300, 1e-4)
    ]
    assert len(set(texts)) == 1
