"""What is added up for the page, and what is picked for it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import chain, label, prompts

from charter.report.changes import marked
from charter.report.examples import Picker, chain_picker
from charter.report.formats import duration, number, percent, points
from charter.report.labels import NUM_BINS, add_up
from charter.report.revisions import Hygiene

PROMPTS = prompts("words")


def test_labels_are_counted_by_state_and_by_principle() -> None:
    given_ = [(0.9, 0.8), (0.7, 0.2), (0.5, 0.5), (None, None), (1.0, 0.0)]
    found = add_up(label(PROMPTS[index], "words", *pair) for index, pair in enumerate(given_))
    assert found.labels == 5
    assert found.states == {"labelled": 2, "tied": 2, "abstained": 0, "failed": 1}
    assert found.with_probability == sum(found.p_a) == 4
    assert found.inconsistency[NUM_BINS // 2 - 1 :][0] + found.inconsistency[NUM_BINS // 2] == 1
    assert found.mean_inconsistency == pytest.approx((0.1 + 0.5 + 0 + 1) / 4)
    (good,) = found.principles
    assert (good.drawn, good.unusable, good.answered) == (5, 1, 4)
    assert (good.near_even, good.both_orders, good.turned) == (3, 3, 2)
    assert good.certainty == pytest.approx((0.85 + 0.55 + 0.5 + 0.5) / 4)


def test_hygiene_is_counted_by_round() -> None:
    found = Hygiene()
    for given_ in (chain(PROMPTS[0], "words"), chain(PROMPTS[1], "words", 1), chain(PROMPTS[2], "words", 0)):
        found.add(given_)
    assert (found.chains, found.samples) == (2, 1)
    assert [(each.revisions, each.flawed, dict(each.flags)) for each in found.rounds] == [
        (2, 0, {"opener": 2}),
        (1, 1, {"truncated": 1}),
    ]
    assert found.flags == ("truncated", "opener")  # what makes a revision unfit comes first


RECORDS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 10_000)), unique=True, max_size=60)


@settings(deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
def test_what_is_picked_does_not_hang_on_the_order(records: list[tuple[str, int]], chance: Random) -> None:
    def picked(given_: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
        picker = Picker[tuple[str, int]](3, lambda record: record[0], lambda record: (record[1], ord(record[0])))
        for record in given_:
            picker.add(record)
        return picker.picked()

    shuffled = list(records)
    chance.shuffle(shuffled)
    first = picked(records)
    assert picked(shuffled) == first
    assert len(first) == min(3, len(records))
    groups = len({group for group, _ in records})
    assert len({group for group, _ in first}) == min(3, groups)


def test_chains_that_changed_come_before_those_that_did_not() -> None:
    picker = chain_picker()
    changed = chain(PROMPTS[0], "words", 1)
    for given_ in (chain(PROMPTS[3], "words", 0), changed, chain(PROMPTS[6], "words", 0)):
        picker.add(given_)
    assert picker.picked()[0] == changed


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_marking_what_is_new_keeps_the_text(before: str, after: str) -> None:
    assert "".join(text for _, text in marked(before, after)) == after
    assert not any(new and text for new, text in marked(after, after))


def test_new_words_are_marked() -> None:
    assert [text.strip() for new, text in marked("Do it now.", "Please do it safely now.") if new] == [
        "Please do",
        "safely",
    ]
    assert marked("a", "b " * 500) == [(False, "b " * 500)]  # too long to compare


def test_numbers_read_well() -> None:
    assert (percent(0.1234), percent(None), percent(float("nan"))) == ("12.3 %", "–", "–")
    assert (points(-12.4), points(0.2), points(31)) == ("−12", "0", "+31")
    assert (number(1234567), number(0.12345), number(float("inf"))) == ("1,234,567", "0.123", "–")
    assert (duration(4.14), duration(200), duration(3725)) == ("4.1 s", "3 min 20 s", "1 h 02 min")
