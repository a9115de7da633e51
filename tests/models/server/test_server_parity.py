"""A small model behind a server answers as the same model does in this process."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from opened import opened, settings, shared

from charter.models.base import ChoiceRequest
from charter.models.local import LocalModel
from charter.models.server.replies import Position
from charter.models.server.scoring import Scoring
from charter.models.server.texts import PlainTurns
from charter.models.server.walk import chosen, decides, walked
from charter.types import Message
from openai_server import Answer, Asked, Served, serve
from tiny_models import make_tiny_model

ASKED = (
    Message("user", "Which?\nOptions:\n(A) Mix flour.\n(B) I can't."),
    Message("assistant", "The answer is: (A)"),
    Message("user", "And now?\nOptions:\n(A) Please rewrite it.\n(B) Identify ways."),
)
JUDGED = ChoiceRequest(ASKED, (" (A)", " (B)"), "The answer is:")


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_an_echo_gives_the_probabilities_that_the_model_has_here(tmp_path: Path, family: str) -> None:
    folder = make_tiny_model(family, tmp_path / "model")
    local = LocalModel.load(folder, exact=True)
    tokenizer = local.tokenizer

    def script(asked: Asked, _number: int) -> Answer | None:
        if not asked.body.get("echo"):
            return None
        tokens = tokenizer((tokenizer.bos_token or "") + asked.body["prompt"], add_special_tokens=False)["input_ids"]
        logits = local.module(torch.tensor([tokens])).logits[0].log_softmax(-1)
        values = [float(logits[place, token]) for place, token in enumerate(tokens[1:])]
        texts = [tokenizer.decode([token]) for token in tokens]
        echo = {"tokens": [*texts, " x"], "token_logprobs": [None, *values, -3.0]}
        choice = {"text": asked.body["prompt"] + " x", "logprobs": echo, "finish_reason": "length"}
        return Answer(json.dumps({"choices": [choice]}).encode())

    with serve(Served(script=script)) as server:
        named = settings(server.url, api="completions", tokenizer=str(folder))
        model = opened(named, shared(tmp_path))
        found = model.choice_logprobs([JUDGED])[0]
    here = local.choice_logprobs([JUDGED])[0]
    assert found.logprobs == pytest.approx(here.logprobs, abs=1e-4)
    assert found.other == pytest.approx(here.other, abs=1e-6)
    assert model.count_tokens(ASKED) == local.count_tokens(ASKED)


def test_a_walk_adds_up_all_that_decides_and_leaves_the_rest() -> None:
    positions = [
        Position(
            " ", math.log(0.5), {" ": math.log(0.5), " (A": math.log(0.1), "(B)": math.log(0.2), "No": math.log(0.2)}
        ),
        Position("(", math.log(0.8), {"(": math.log(0.8), "(B": math.log(0.1)}),
        Position("A", math.log(0.75), {"A": math.log(0.75), "B": math.log(0.25)}),
        Position(")", 0.0, {")": 0.0}),
    ]
    a, b = map(math.exp, walked(positions, (" (A)", " (B)")))
    assert a == pytest.approx(0.1 + 0.5 * 0.8 * 0.75)
    assert b == pytest.approx(0.2 + 0.5 * 0.1 + 0.5 * 0.8 * 0.25)
    assert walked([Position("No", 0.0, {"No": 0.0})], ("(A)", "(B)")) == (-math.inf, -math.inf)


@pytest.mark.parametrize(
    ("text", "expected"), [("(A", 0), (" (B) is", 1), ("(", None), ("", None), ("A", None), ("no (A)", None)]
)
def test_a_text_decides_for_the_one_choice_that_it_begins(text: str, expected: int | None) -> None:
    assert decides(text, ("(A)", "(B)")) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("(A)", 0), ("**(B)**.", 1), ('\n"(A)"', 0), ("(C)", None), ("", None), ("I say (A)", None)]
)
def test_an_answer_gives_the_choice_that_it_begins_with(text: str, expected: int | None) -> None:
    assert chosen(text, (" (A)", " (B)")) == expected


def test_a_repeated_prefill_is_passed_over() -> None:
    top = {"A": math.log(0.7), "B": math.log(0.3)}
    entries = [("The", 0.0, {}), (" answer is", 0.0, {}), (":", 0.0, {}), (" (", 0.0, {}), ("A", math.log(0.7), top)]
    content = [
        {"token": token, "logprob": value, "top_logprobs": [{"token": t, "logprob": v} for t, v in more.items()]}
        for token, value, more in entries
    ]
    answer = {"choices": [{"message": {"content": "The answer is: (A)"}, "logprobs": {"content": content}}]}
    found = Scoring("chat", 5).read([answer], JUDGED, PlainTurns())
    assert found is not None and tuple(map(math.exp, found)) == pytest.approx((0.7, 0.3))
