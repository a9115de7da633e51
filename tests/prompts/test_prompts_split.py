from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.errors import PromptError
from charter.prompts import prompt_id, read_prompts, split_prompts, within_context
from charter.recipe import Prompts
from charter.types import Conversation, Message, Prompt, PromptKind

HH = Path(__file__).parents[2] / "../shared/data/hh-rlhf/harmless-base-test-half.jsonl.gz"


def prompt(text: str, kind: PromptKind = "red_team", *more: str) -> Prompt:
    turns = [Message("user", text)]
    for reply in more:
        turns += [Message("assistant", "ok"), Message("user", reply)]
    conversation = Conversation(tuple(turns))
    return Prompt(prompt_id(conversation), conversation, kind, "", "test", "train")


MANY = [prompt(f"red {n}") for n in range(200)] + [prompt(f"help {n}", "helpful") for n in range(100)]
COUNTS = Prompts(red_team=60, helpful=30, evaluation=50)


def test_the_recipes_counts_are_met_where_there_is_enough() -> None:
    split = split_prompts(MANY, COUNTS, 0)
    assert sum(row.kind == "red_team" for row in split.train) == 60
    assert sum(row.kind == "helpful" for row in split.train) == 30
    assert len(split.evaluation) == 50
    assert {row.kind for row in split.evaluation} == {"red_team", "helpful"}
    assert split.missing == {}
    assert {row.split for row in split.train} == {"train"}
    assert {row.split for row in split.evaluation} == {"evaluation"}


def test_the_split_follows_from_seed_and_words_and_not_from_order() -> None:
    assert split_prompts(MANY, COUNTS, 0) == split_prompts(MANY[::-1], COUNTS, 0)
    assert split_prompts(MANY, COUNTS, 0) != split_prompts(MANY, COUNTS, 1)


def test_a_smaller_evaluation_is_part_of_a_larger_one() -> None:
    small = split_prompts(MANY, Prompts(red_team=60, helpful=30, evaluation=20), 0)
    large = split_prompts(MANY, Prompts(red_team=60, helpful=30, evaluation=80), 0)
    assert {row.id for row in small.evaluation} < {row.id for row in large.evaluation}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.booleans()), min_size=20, max_size=60),
    st.integers(0, 5),
)
def test_what_opens_alike_is_on_one_side_and_nothing_is_on_both(rows: list[tuple[int, int, bool]], seed: int) -> None:
    prompts = [
        prompt(f"opening {opening}", "helpful" if helpful else "red_team", *[f"turn {n}" for n in range(length)])
        for opening, length, helpful in rows
    ]
    if len({row.conversation.messages[0].content for row in prompts if row.kind == "red_team"}) < 6:
        return
    split = split_prompts([*prompts, prompt("alone")], Prompts(red_team=20, helpful=10, evaluation=10), seed)
    openings = [{row.conversation.messages[0].content for row in side} for side in (split.train, split.evaluation)]
    assert not openings[0] & openings[1]
    ids = [row.id for row in (*split.train, *split.evaluation)]
    assert len(set(ids)) == len(ids)


def test_fewer_prompts_than_asked_shrink_both_sides_and_are_counted() -> None:
    split = split_prompts(MANY[:100], Prompts(red_team=150, helpful=10, evaluation=50), 0)
    assert (len(split.train), len(split.evaluation)) == (67, 33)
    assert split.missing == {"red_team": 83, "helpful": 10, "evaluation": 17}


def test_too_few_prompts_are_refused() -> None:
    with pytest.raises(PromptError, match=r"1 distinct prompts \(1 red_team\) are too few"):
        split_prompts(MANY[:1] * 3, COUNTS, 0)
    with pytest.raises(PromptError, match="100 helpful"):
        split_prompts(MANY[200:], COUNTS, 0)


@pytest.mark.skipif(not HH.is_file(), reason="the HH data are not here")
def test_real_prompts_fill_the_default_recipe_without_a_leak() -> None:
    split = split_prompts(read_prompts(HH).prompts, Prompts(), 0)
    openings = [{row.conversation.messages[0].content for row in side} for side in (split.train, split.evaluation)]
    assert not openings[0] & openings[1]
    assert len(split.train) + len(split.evaluation) > 1100
    assert split.missing["helpful"] == Prompts().helpful


def words(messages: tuple[Message, ...] | list[Message]) -> int:
    return sum(len(message.content.split()) for message in messages)


def test_prompts_longer_than_the_context_leaves_are_skipped_and_listed() -> None:
    short, exact, long = prompt("one"), prompt("one two three"), prompt("one", "helpful", "two three four")
    kept, skipped = within_context([short, exact, long], words, context_tokens=10, answer_tokens=7)
    assert kept == (short, exact)
    assert [(row.id, row.reason) for row in skipped] == [(long.id, "5 tokens, where the model's context leaves 3")]
    with pytest.raises(PromptError, match="none of 1 prompts fits into the model's context of 4 tokens"):
        within_context([long], words, context_tokens=4, answer_tokens=7)
