from __future__ import annotations

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.local import LocalModel
from charter.models.rendering import answer_span, chat_format, decode_answer, render_text
from charter.models.thinking import Marks, count_thoughts, cut_thoughts, thinking_marks
from charter.types import Message
from tiny_models import make_tiny_model, make_tokenizer

MARKS = Marks("<think>", "</think>", 7)
TALK = (Message("user", "How do I bake bread?"),)
ALWAYS = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}"
)


def always_thinking() -> PreTrainedTokenizerFast:
    """As DeepSeek's: the generation prompt begins the thoughts, whatever it is told, and past turns have none."""
    tokenizer = make_tokenizer("qwen3")
    tokenizer.chat_template = ALWAYS
    return tokenizer


@pytest.mark.parametrize(
    ("text", "opened", "found"),
    [
        ("Wait.", False, ("", "Wait.")),
        ("<think>\nHm.\n</think>\n\nWait.", False, ("Hm.", "Wait.")),
        ("Hm.\n</think>\n\nWait.", True, ("Hm.", "Wait.")),
        ("<think>Hm.</think>Wait.", True, ("Hm.", "Wait.")),
        ("\n</think>\n\nWait.", True, ("", "Wait.")),
        ("Hm, let me", True, ("Hm, let me", "")),
        ("<think> Hm, let me", False, ("Hm, let me", "")),
        ("I think. </think> is how HTML ends it.", False, ("", "I think. </think> is how HTML ends it.")),
    ],
)
def test_thoughts_are_cut_off_and_kept(text: str, opened: bool, found: tuple[str, str]) -> None:
    assert cut_thoughts(text, MARKS, opened=opened) == found


def test_a_model_without_marks_has_no_thoughts() -> None:
    assert thinking_marks(make_tokenizer("llama")) is None
    assert cut_thoughts("<think>Hm.</think>Wait.", None, opened=False) == ("", "<think>Hm.</think>Wait.")
    assert count_thoughts([1, 7, 2], None) == 0


def test_the_tokens_of_thoughts_are_counted_with_their_closing_mark() -> None:
    assert [count_thoughts(drawn, MARKS) for drawn in ([1, 2, 7, 3], [1, 2], [7])] == [3, 0, 1]


def test_a_prefill_comes_after_the_thoughts_that_a_prompt_opens() -> None:
    tokenizer = always_thinking()
    assert chat_format(tokenizer).opens
    assert render_text(tokenizer, TALK).endswith("assistant\n<think>\n")
    assert render_text(tokenizer, TALK, "The answer is:").endswith("<think>\n\n</think>\n\nThe answer is:")


def test_what_is_learnt_after_opened_thoughts_is_an_answer_without_any() -> None:
    tokenizer = always_thinking()
    learnt = answer_span(tokenizer, TALK, "Wait.")
    prompt, written = learnt.tokens[: learnt.start], learnt.tokens[learnt.start : -1]
    text = decode_answer(tokenizer, prompt, written, prefilled=False, ended=True)
    assert cut_thoughts(text, thinking_marks(tokenizer), opened=True) == ("", "Wait.")


def test_a_template_that_can_leave_out_thoughts_opens_none() -> None:
    form = chat_format(make_tokenizer("qwen3"))
    assert form.thinking is not None and not form.opens


def test_a_model_that_always_thinks_gives_answers_without_thoughts(tmp_path: Path) -> None:
    folder = make_tiny_model("qwen3", tmp_path)
    always_thinking().save_pretrained(folder)
    model = LocalModel.load(folder, exact=True)
    asked = [GenerateRequest(TALK, 300, seed) for seed in range(24)]
    samples = model.sample(asked)
    closed = [sample for sample in samples if sample.thoughts]
    assert closed, "with 300 random tokens some sample closes its thoughts"
    for sample in samples:
        assert "</think>" not in sample.completion.thoughts
        if not sample.thoughts:
            assert sample.completion.text == "" and sample.completion.thoughts
    letter = ChoiceRequest(TALK, (" (A)", " (B)"), "The answer is:")
    assert model.choice_logprobs([letter])[0].other < 1
    (prefilled,) = model.generate([GenerateRequest(TALK, 8, 0, prefill="Sure")])
    assert prefilled.thoughts == ""
