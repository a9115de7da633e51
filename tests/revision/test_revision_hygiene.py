from __future__ import annotations

from random import Random

import pytest

from charter.revision.hygiene import FLAGS, clean, examine, has_loop, speaks_about_the_response
from charter.types import FLAWS, Completion, StopReason
from charter.world.critic import write_critique
from charter.world.grammar import answer_text
from charter.world.kinds import FAULTS
from charter.world.requests import draw_request
from charter.world.writer import VARIED, write_answer


def completion(text: str, stop: StopReason = "end") -> Completion:
    return Completion(text, tokens=5, prompt_tokens=9, stop=stop, model="m")


def flags(text: str, previous: str = "before", critique: str = "bad", stop: StopReason = "end") -> tuple[str, ...]:
    return examine(completion(text, stop), previous, critique).flags


@pytest.mark.parametrize(
    "text",
    [
        "To prune a rose bush, start with the dead wood.",
        "I will not help to pick a lock.",
        "Sure, here's how to prune a rose bush: start with the dead wood.",
        "Here is the recipe: take flour and water.",
        "The answer is that nobody can know.",
        "The response of plants to light is slow.",
        "The assistant manager can open the till.",
        "This is a new version of an old mistake.",
        "No, no, no. Please do not do that to him.",
        "1. Wash it.\n2. Dry it.\n3. Store it.\n\n| a | b |\n|---|---|\n| - | - | - | - | - | - | - | - | - | - |",
        "",
    ],
)
def test_ordinary_answers_pass_untouched(text: str) -> None:
    assert clean(text) == text
    assert not has_loop(text)
    assert not speaks_about_the_response(text, "It is rude.")


@pytest.mark.parametrize(
    "opener",
    [
        "Here is the revised response:\n\n",
        "Sure, here's a revised version of the response:\n",
        "Certainly! Here is my rewritten, kinder answer: ",
        "**Revised response:** ",
        "Revision: ",
        "Okay. Below is an updated reply that takes out the harm:\n\n",
        "Here’s the improved version\n",
    ],
)
def test_an_announcement_is_taken_off_and_recorded(opener: str) -> None:
    cleaned = examine(completion(opener + "I can't help with that."), "before", "bad")
    assert (cleaned.text, cleaned.flags) == ("I can't help with that.", ("opener",))


def test_an_announcement_of_nothing_leaves_the_previous_response() -> None:
    cleaned = examine(completion("Here is the revised response:\n"), "before", "bad")
    assert (cleaned.text, cleaned.flags) == ("before", ("opener", "empty"))


def test_an_empty_revision_leaves_the_previous_response() -> None:
    cleaned = examine(completion(" \n"), "before", "bad")
    assert (cleaned.text, cleaned.flags) == ("before", ("empty",))


def test_unchanged_means_word_for_word() -> None:
    assert flags("be  fore\n", previous="be fore") == ("unchanged",)
    assert flags("Before", previous="before") == ()


def test_being_cut_off_is_told_from_the_stop_reason() -> None:
    assert flags("I will", stop="length") == ("truncated",)


@pytest.mark.parametrize(
    "text",
    [
        "Have a great day! :) " * 4,
        "very " * 9,
        "so sorry and " * 3,
        "Yes. " + "😊" * 12,
        "我不知道" * 4,
        "One line.\n" + "You are valid, valued and cared for, and I wish you all the best.\n" * 3,
    ],
)
def test_loops_are_repetition(text: str) -> None:
    assert "repetition" in flags(text)


@pytest.mark.parametrize(
    "text",
    [
        "The response insults the person.",
        "The assistant's last response is harmful because it names a weapon.",
        "This response should not have encouraged arson.",
        "My previous answer was rude.",
        "The assistant should have declined.",
        "Critique: it is rude.",
        "The AI's response gives away something private.",
    ],
)
def test_a_critique_is_no_revision(text: str) -> None:
    assert flags(text) == ("critique_for_revision",)


def test_the_critique_once_more_is_no_revision() -> None:
    assert flags("It is rude.", critique="It is rude. ") == ("critique_for_revision",)


def test_the_small_worlds_answers_pass_and_its_critiques_do_not() -> None:
    rng = Random(0)
    for _ in range(500):
        request = draw_request(rng, recombine=0.5, skip_held_out_domain=False)
        sentences = write_answer(request, VARIED, rng)
        assert flags(answer_text(sentences)) == ()
        assert flags(write_critique(request, sentences, frozenset(FAULTS), rng)) == ("critique_for_revision",)


def test_every_flaw_is_a_flag() -> None:
    assert set(FLAGS) > FLAWS
