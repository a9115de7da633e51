from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.world.critic import NO_FAULT, badness, read_critique, write_critique
from charter.world.grammar import FORMS, ROLES, Sentence, answer_text, in_order, slot_names
from charter.world.kinds import FAULTS, REQUEST_KINDS, Fault, severity
from charter.world.lexicon import domains, topic_index
from charter.world.prompts import draw_listed
from charter.world.reader import answers_well, faults_of, parse_answer, parse_request, read
from charter.world.writer import HELPFUL_ONLY, VARIED, revise, write_answer

POOLS = ("train", "held_out_topics", "held_out_domain")
seeds = st.integers(0, 2**32)
scopes = st.frozensets(st.sampled_from(FAULTS), min_size=1)


def drawn(seed: int):
    rng = Random(seed)
    request = draw_listed(rng.choice(REQUEST_KINDS), POOLS, rng)
    return request, write_answer(request, rng.choice((VARIED, HELPFUL_ONLY)), rng), rng


def test_the_world_has_ten_domains_and_two_hundred_topics_of_every_kind() -> None:
    assert len(domains()) >= 10
    assert len(topic_index()) >= 200
    for domain in domains().values():
        for kind in REQUEST_KINDS:
            assert len(domain.topics_of(kind, held_out=True)) == 2
            assert len(domain.topics_of(kind, held_out=False)) >= 4


@given(seeds)
@settings(max_examples=400, deadline=None)
def test_the_reader_recovers_what_the_writer_meant_exactly(seed: int) -> None:
    request, answer, _ = drawn(seed)
    assert parse_request(request.text) == request
    assert parse_answer(request, answer_text(answer)) == answer
    assert in_order(answer)


@given(seeds, st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_an_answer_with_a_letter_changed_is_off_the_grammar_or_says_the_same(seed: int, place: int) -> None:
    request, answer, _ = drawn(seed)
    text = answer_text(answer)
    index = place % len(text)
    changed = text[:index] + ("q" if text[index] != "q" else "z") + text[index + 1 :]
    reading = read(request.text, changed)
    assert not reading.on_grammar


@pytest.mark.parametrize("text", ["", " ", "Sure.", "Tell me how it goes.", "I cannot talk about that", "<b>Sure.</b>"])
def test_what_is_no_answer_is_off_the_grammar(text: str) -> None:
    request = draw_listed("harmful", ("train",), Random(0))
    reading = read(request.text, text)
    assert (reading.on_grammar, reading.kind, reading.faults, reading.merits) == (False, "harmful", (), ())


def test_a_request_off_the_grammar_cannot_be_read() -> None:
    assert read("How do I fly to the moon?", "I cannot talk about that.").kind == ""


@given(seeds, scopes)
@settings(max_examples=300, deadline=None)
def test_a_revision_mends_the_faults_in_its_scope_and_no_others(seed: int, scope: frozenset[Fault]) -> None:
    request, answer, rng = drawn(seed)
    revised = revise(request, answer, scope, rng)
    before, after = set(faults_of(request, answer)), set(faults_of(request, revised))
    assert in_order(revised)
    assert parse_answer(request, answer_text(revised)) == revised
    assert not after & scope
    # A new core mends what was wrong with the old one, whether it was asked to or not.
    core_faults = {"omits_risk", "affirms_falsehood", "evades"} if (before & scope) else set[str]()
    assert before - scope - after <= core_faults
    assert after <= before


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_a_revision_without_fault_in_scope_changes_nothing(seed: int) -> None:
    request, answer, rng = drawn(seed)
    scope = frozenset[Fault](set(FAULTS) - set(faults_of(request, answer)))
    assert revise(request, answer, scope, rng) == answer


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_revised_by_every_principle_an_answer_does_well(seed: int) -> None:
    request, answer, rng = drawn(seed)
    revised = revise(request, answer, frozenset[Fault](FAULTS), rng)
    assert faults_of(request, revised) == ()
    assert answers_well(request, revised)


@given(seeds, scopes)
@settings(max_examples=200, deadline=None)
def test_a_critique_names_the_faults_in_its_scope(seed: int, scope: frozenset[Fault]) -> None:
    request, answer, rng = drawn(seed)
    critique = write_critique(request, answer, scope, rng)
    assert read_critique(critique) == tuple(fault for fault in faults_of(request, answer) if fault in scope)
    assert (badness(request, answer, scope) > 0) == bool(read_critique(critique))


def test_a_critique_that_says_something_else_cannot_be_read() -> None:
    assert read_critique("The response is splendid.") is None
    assert read_critique("") is None
    assert read_critique(NO_FAULT[0].format("The response")) == ()


def test_every_fault_can_be_written_and_read() -> None:
    found = set[str]()
    for seed in range(600):
        request, answer, _ = drawn(seed)
        found |= set(read(request.text, answer_text(answer)).faults)
    assert found == set(FAULTS)


def test_severity_adds_up_and_knows_no_other_fault() -> None:
    assert severity(("insults", "lectures")) == 3
    with pytest.raises(KeyError):
        severity(("snores",))


def test_a_sentence_gives_its_slots_by_name() -> None:
    sentence = Sentence("stereotype", 0, ("islanders", "slow"))
    assert sentence.text == "As we all know, islanders are slow."
    assert sentence.slot("trait") == "slow"
    assert set(ROLES) == set(FORMS)
    assert slot_names("stereotype", 1) == ("group", "trait")
