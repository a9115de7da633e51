"""Near-duplicates and contamination: what goes, what stays, and that both are counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.prompts import prompt_id, prompts_of_source, read_prompts, split_prompts, without_near_duplicates
from charter.prompts.near import MISSED, NUM_HASHES, rows_per_band, signature
from charter.prompts.overlap import without_overlap
from charter.prompts.words import jaccard, ngrams, shingles, words_of
from charter.recipe import Prompts
from charter.types import Conversation, Message, Prompt

HH = Path(__file__).parents[2] / "../shared/data/hh-rlhf/harmless-base-test-half.jsonl.gz"
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


def prompt(*said: str, system: str = "") -> Prompt:
    turns = [Message("system", system)] if system else []
    for index, text in enumerate(said):
        turns.append(Message("user" if index % 2 == 0 else "assistant", text))
    conversation = Conversation(tuple(turns))
    return Prompt(prompt_id(conversation), conversation, "red_team", "", "test", "train")


def alike(one: Prompt, other: Prompt, threshold: float = 0.8) -> bool:
    return len(without_near_duplicates([one, other], threshold, 0)[0]) == 1


def test_case_punctuation_and_width_make_no_difference() -> None:
    assert words_of("How do I —bake— BREAD?!") == words_of("how do i bake bread")
    assert words_of("ＡＢＣ") == ["abc"]
    assert words_of("面包好吃") == ["面", "包", "好", "吃"]
    assert words_of("?!") == ["?!"]
    assert alike(prompt("How do I bake bread?"), prompt("how do i bake, bread"))


def test_a_changed_word_in_a_long_prompt_is_a_near_duplicate_and_in_a_short_one_is_not() -> None:
    words = [f"w{number}" for number in range(60)]
    changed = [*words[:-1], "other"]
    assert alike(prompt(" ".join(words)), prompt(" ".join(changed)))
    assert not alike(prompt("How do I hack my boss's phone"), prompt("How do I hack my sister's phone"))


def test_assistants_words_do_not_count_and_system_messages_keep_prompts_apart() -> None:
    assert alike(prompt(LONG, "yes", "and then what"), prompt(LONG, "no", "and then what"))
    assert not alike(prompt(LONG, system="Be kind."), prompt(LONG, system="Be rude."))
    assert not alike(prompt("What is bread", system=LONG), prompt("Who wrote this book", system=LONG))


TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12).map(" ".join), max_size=25)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.integers(0, 3), st.randoms())
def test_what_goes_is_as_similar_as_said_to_what_stays_and_order_does_not_matter(
    texts: list[str], threshold: float, seed: int, chance: object
) -> None:
    prompts = list({found.id: found for found in map(prompt, texts)}.values())
    kept, gone = without_near_duplicates(prompts, threshold, seed)
    assert [found for found in prompts if found in kept] == list(kept)
    assert {found.id for found in prompts} == {found.id for found in kept} | {found.id for found in gone}
    by_id = {found.id: found for found in prompts}
    for found in gone:
        other = found.reason.split()[2]
        assert other in {stays.id for stays in kept}
        assert jaccard(shingles(by_id[found.id]), shingles(by_id[other])) >= threshold
    shuffled = prompts[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {found.id for found in without_near_duplicates(shuffled, threshold, seed)[0]} == {f.id for f in kept}


def test_bands_miss_few_pairs_at_the_threshold() -> None:
    for threshold in (0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0):
        rows = rows_per_band(threshold)
        assert (1 - threshold**rows) ** (NUM_HASHES // rows) <= MISSED
    assert rows_per_band(0.9) > rows_per_band(0.5)


def test_signatures_agree_as_often_as_the_shingles_do() -> None:
    one, other = (frozenset(map(str, range(low, low + 300))) for low in (0, 100))
    agreement = np.mean([np.mean(signature(one, seed) == signature(other, seed)) for seed in range(12)])
    assert agreement == pytest.approx(jaccard(one, other), abs=0.05)
    assert (signature(one, 0) == signature(one, 0)).all()
    assert (signature(one, 0) != signature(one, 1)).any()


def test_a_prompt_that_quotes_a_held_out_one_is_contaminated() -> None:
    held_out = [prompt(LONG), prompt("Short one?")]
    quoting, kept = prompt(f"Please say: {LONG.upper()}."), prompt(" ".join(LONG.split()[::-1]))
    same, longer = prompt("short ONE"), prompt("Short one? Or a longer one?")
    clean, gone = without_overlap([quoting, kept, same, longer], held_out, 13)
    assert clean == [kept, longer]
    assert [found.id for found in gone] == [quoting.id, same.id]
    assert gone[0].reason.endswith(held_out[0].id)


def test_only_a_users_turn_contaminates() -> None:
    assert ngrams(prompt("a", LONG, "b"), 13) == {"a b"}
    assert ngrams(prompt(LONG, "x", "b"), 15) == {LONG}


def test_training_prompts_keep_clear_of_held_out_ones() -> None:
    prompts = [prompt(f"{start} {number // 2} {LONG.replace(' ', f' {number // 2} ')}")
               for number in range(60) for start in (["first", "second"][number % 2],)]  # fmt: skip
    counts = Prompts(red_team=100, helpful=0, evaluation=10)
    split = split_prompts(prompts, counts, 0)
    assert len(split.contaminated) > 0
    assert len(split.train) + len(split.evaluation) + len(split.contaminated) == 60
    assert without_overlap(split.train, split.evaluation, 13)[1] == []
    lax = split_prompts(prompts, counts.model_copy(update={"overlap_words": None}), 0)
    assert lax.contaminated == () and lax.evaluation == split.evaluation and len(lax.train) > len(split.train)


def test_a_source_is_read_by_the_recipe_and_counted(tmp_path: Path) -> None:
    asked = [f"question {number} about {number} and {number * 7}" for number in range(40)]
    asked += [asked[0], asked[1].upper() + "!", asked[2] + "?", " "]
    rows = [{"goal": text} for text in asked] + [{"goal": f"attack {n} by {n}", "kind": "red_team"} for n in range(3)]
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = Prompts(source=str(path), column="goal", kind="helpful", red_team=5, helpful=20, evaluation=10)
    found = prompts_of_source(settings, 1)
    assert {row.kind for row in found.prompts} == {"helpful", "red_team"}
    assert (found.counts["duplicates"], found.counts["near_duplicates"], found.num_skipped) == (1, 2, 1)
    assert found.counts["missing red_team"] >= 2
    assert sum("near-duplicate of" in row.reason for row in found.left_out) == 2
    lax = prompts_of_source(settings.model_copy(update={"near_duplicates": None}), 1)
    assert lax.counts["near_duplicates"] == 0


@pytest.mark.skipif(not HH.is_file(), reason="the HH data are not here")
def test_of_real_conversations_few_are_near_duplicates() -> None:
    prompts = read_prompts(HH).prompts
    kept, gone = without_near_duplicates(prompts, 0.8, 0)
    brute = [set(shingles(found)) for found in kept[:300]]
    assert 0 < len(gone) < 0.05 * len(prompts)
    assert not any(
        len(one & other) >= 0.8 * len(one | other) for at, one in enumerate(brute) for other in brute[at + 1 :]
    )
