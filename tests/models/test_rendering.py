from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from charter.errors import ModelError
from charter.models.rendering import answer_span, chat_format, decode_answer, neutralise, render_text, render_tokens
from charter.types import Message
from tiny_models import END_OF_TURN, FAMILIES, SPECIAL, Family, make_tokenizer

TOKENIZERS = {family: make_tokenizer(family) for family in FAMILIES}
CHARACTERS = {family: make_tokenizer(family, "characters") for family in FAMILIES}
ALL = [*TOKENIZERS.values(), *CHARACTERS.values()]
TALK = (Message("user", "How do I bake bread?"), Message("assistant", "Mix flour."), Message("user", "And then?"))
# Llama 2's way: an answer stands between spaces, and the tokens of its control words are no special tokens of turns.
SPACED = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + ' <|eot_id|>' }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize("family", FAMILIES)
def test_messages_are_rendered_by_the_models_own_template(family: Family) -> None:
    tokenizer = TOKENIZERS[family]
    turns = [{"role": turn.role, "content": turn.content} for turn in TALK]
    expected = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, enable_thinking=False, return_dict=False
    )
    assert render_tokens(tokenizer, TALK) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prefill_follows_the_generation_prompt(family: Family) -> None:
    assert render_text(TOKENIZERS[family], TALK, "So") == render_text(TOKENIZERS[family], TALK) + "So"


def test_a_system_text_goes_into_the_first_user_turn_where_there_is_no_system_role() -> None:
    talk = (Message("system", "Be brief."), *TALK)
    assert "user\nBe brief.\n\nHow do I bake bread?<end_of_turn>" in render_text(TOKENIZERS["gemma3"], talk)
    assert "system<|end_header_id|>\n\nBe brief.<|eot_id|>" in render_text(TOKENIZERS["llama"], talk)


def test_a_template_that_drops_the_system_text_counts_as_one_without_the_role() -> None:
    tokenizer = make_tokenizer("llama")
    tokenizer.chat_template = str(tokenizer.chat_template).replace(
        "{% for message in messages %}", "{% for message in messages if message['role'] != 'system' %}"
    )
    assert "Be brief.\n\nHow do I" in render_text(tokenizer, (Message("system", "Be brief."), *TALK))


def test_turns_of_one_side_that_follow_each_other_are_joined() -> None:
    talk = (Message("user", "One."), Message("user", "Two."))
    assert "One.\n\nTwo." in render_text(TOKENIZERS["gemma3"], talk)


def test_turns_that_the_template_refuses_are_a_users_error() -> None:
    with pytest.raises(ModelError, match="must alternate"):
        render_text(TOKENIZERS["gemma3"], (Message("assistant", "Hello."), Message("user", "Hi.")))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_text_of_a_message_becomes_a_control_token(family: Family) -> None:
    tokenizer = TOKENIZERS[family]
    control = [*SPECIAL[family], *(("<think>", "</think>") if family == "qwen3" else ())]
    hostile = "".join(f"{text}x<{text}" for text in control) + "".join(control)
    ids = set(tokenizer.convert_tokens_to_ids(control))

    def count(content: str) -> int:
        talk = (Message("user", content), Message("assistant", content), Message("user", content))
        rendered = render_tokens(tokenizer, talk, content)
        return sum(token in ids for token in [*rendered, *answer_span(tokenizer, talk, content).tokens])

    assert count(hostile) == count("harmless")


def test_a_control_token_in_a_message_stays_readable() -> None:
    form = chat_format(TOKENIZERS["qwen3"])
    assert neutralise("a <|im_end|> b <think>", form) == "a < |im_end|> b < think>"


@given(st.text())
def test_making_text_harmless_twice_changes_nothing_more(text: str) -> None:
    form = chat_format(TOKENIZERS["gemma3"])
    once = neutralise(text + "<eos>" + text, form)
    assert neutralise(once, form) == once
    assert neutralise(text, form) == text or any(token in text for token in SPECIAL["gemma3"])


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None, max_examples=60)
@given(answer=st.text(st.characters(codec="utf-8"), max_size=40))
def test_an_answer_comes_back_exactly(family: Family, answer: str) -> None:
    for tokenizer in (TOKENIZERS[family], CHARACTERS[family]):
        learnt = answer_span(tokenizer, TALK, answer)
        assert learnt.tokens[: learnt.start] == render_tokens(tokenizer, TALK)
        assert learnt.tokens[-1] == tokenizer.convert_tokens_to_ids(END_OF_TURN[family])
        prompt, written = learnt.tokens[: learnt.start], learnt.tokens[learnt.start : -1]
        assert decode_answer(tokenizer, prompt, written, prefilled=False, ended=True) == answer


@pytest.mark.parametrize("family", FAMILIES)
def test_a_learnt_turn_is_what_the_template_writes(family: Family) -> None:
    tokenizer = TOKENIZERS[family]
    full = render_tokens(tokenizer, (*TALK, Message("assistant", "Wait.")), for_generation=False)
    learnt = answer_span(tokenizer, TALK, "Wait.").tokens
    assert full[: len(learnt)] == learnt


def test_an_answer_that_was_cut_off_has_no_end_to_learn() -> None:
    whole, cut = (answer_span(TOKENIZERS["llama"], TALK, "Wait.", ended=ended) for ended in (True, False))
    assert whole.tokens[:-1] == cut.tokens and whole.start == cut.start


def spaced() -> PreTrainedTokenizerFast:
    tokenizer = make_tokenizer("llama")
    tokenizer.chat_template = SPACED
    return tokenizer


def test_what_the_template_puts_around_an_answer_is_learnt_and_taken_off() -> None:
    tokenizer = spaced()
    form = chat_format(tokenizer)
    assert (form.lead, form.tail, form.takes_system) == (" ", " ", False)
    assert render_text(tokenizer, TALK, "So").endswith("[/INST] So")
    learnt = answer_span(tokenizer, TALK, " Wait. ")
    prompt, written = learnt.tokens[: learnt.start], learnt.tokens[learnt.start : -1]
    assert tokenizer.decode(written) == "  Wait.  "
    assert decode_answer(tokenizer, prompt, written, prefilled=False, ended=True) == " Wait. "


def test_a_turn_without_a_special_token_at_its_end_ends_with_the_end_of_text() -> None:
    tokenizer = make_tokenizer("llama")
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}"
    )
    assert chat_format(tokenizer).end_token == tokenizer.eos_token_id


def test_a_template_that_leaves_out_answers_is_a_users_error() -> None:
    tokenizer = make_tokenizer("llama")
    tokenizer.chat_template = "{{ messages[0]['content'] }}"
    with pytest.raises(ModelError, match="leaves out"):
        chat_format(tokenizer)
