from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from charter.constitution import principle_digest
from charter.errors import ConstitutionError
from charter.models.base import GenerateRequest
from charter.models.fake import FakeModel
from charter.recipe import Revision as RevisionSettings
from charter.revision import count_hygiene, revise
from charter.types import Completion, Constitution, Conversation, Message, Principle, Prompt, RevisionExample

CRITIQUE, REVISION = "What is wrong?", "Rewrite it."
EXAMPLE = RevisionExample("Hello", "Go.", "Rude?", "It is rude.", "Mend it.", "Welcome.")


def principle(name: str) -> Principle:
    return Principle(name, name, name, f"{CRITIQUE} {name}", f"{REVISION} {name}", "", "s")


CONSTITUTION = Constitution("c", "1", "", tuple(map(principle, "abcd")), revision_examples=(EXAMPLE,))
Answers = Callable[[GenerateRequest], str]


def by_step(request: GenerateRequest) -> str:
    """Tells the steps apart by the last turn, and its own seeds by a word of their own."""
    last = request.messages[-1].content
    step = "critique" if last.startswith(CRITIQUE) else "revision" if last.startswith(REVISION) else "first"
    return f"{step} {request.seed}"


class Scripted(FakeModel):
    """Answers by a function of the request, and keeps its batches."""

    def __init__(self, answers: Answers = by_step, context_tokens: int = 10_000) -> None:
        super().__init__(reply=answers, context_tokens=context_tokens)
        self.batches: list[Sequence[GenerateRequest]] = []

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        self.batches.append(requests)
        return super().generate(requests)


def prompt(name: str, text: str = "Hi") -> Prompt:
    return Prompt(name, Conversation.of(text), "red_team", "c", "s", "train")


PROMPTS = [prompt("p1"), prompt("p2"), prompt("p3")]
SETTINGS = RevisionSettings(rounds=3, max_tokens=50)


def test_each_step_is_one_call_for_the_whole_part() -> None:
    model = Scripted()
    chains = revise(PROMPTS, CONSTITUTION, model, SETTINGS, seed=0)
    assert [chain.prompt.id for chain in chains] == ["p1", "p2", "p3"]
    assert [len(batch) for batch in model.batches] == [3] * 7
    assert {(request.temperature, request.max_tokens) for batch in model.batches for request in batch} == {
        (SETTINGS.temperature, 50)
    }


def test_a_round_shows_only_the_latest_response_and_its_own_principle() -> None:
    model = Scripted()
    chain = revise(PROMPTS[:1], CONSTITUTION, model, SETTINGS, seed=0)[0]
    for round_index, revision in enumerate(chain.revisions, start=1):
        critique_request, revision_request = (batch[0] for batch in model.batches[2 * round_index - 1 :][:2])
        assert critique_request.messages == (
            Message("user", "Hi"),
            Message("assistant", chain.response(round_index - 1).text),
            Message("user", f"{CRITIQUE} {revision.principle_id}"),
        )
        assert revision_request.messages == (
            *critique_request.messages,
            Message("assistant", revision.critique.text),
            Message("user", f"{REVISION} {revision.principle_id}"),
        )
        assert revision.principle_digest == principle_digest(CONSTITUTION.principle(revision.principle_id))
        assert revision.hygiene == ()


def test_a_chain_does_not_depend_on_the_part_it_travels_in() -> None:
    together = revise(PROMPTS, CONSTITUTION, Scripted(), SETTINGS, seed=0)
    assert revise(PROMPTS[1:2], CONSTITUTION, Scripted(), SETTINGS, seed=0) == together[1:2]
    assert revise(PROMPTS[1:2], CONSTITUTION, Scripted(), SETTINGS, seed=1) != together[1:2]
    assert len({revision.response.text for chain in together for revision in chain.revisions}) == 9


def test_principles_are_drawn_afresh_each_round() -> None:
    settings = RevisionSettings(rounds=4, max_tokens=50)
    chains = revise([prompt(f"p{index}") for index in range(60)], CONSTITUTION, Scripted(), settings, seed=0)
    repeated = sum(len({revision.principle_id for revision in chain.revisions}) < 4 for chain in chains)
    assert 45 <= repeated < 60  # with replacement, 1 - 4!/4^4 = 91 % of chains repeat one


def test_worked_examples_are_played_out_after_the_system_message() -> None:
    turns = (Message("system", "Be brief."), Message("user", "Hi"))
    model = Scripted()
    settings = RevisionSettings(rounds=1, max_tokens=50, few_shot=1)
    chain = revise([Prompt("p", Conversation(turns), "red_team", "c", "s", "train")], CONSTITUTION, model, settings, 0)[
        0
    ]
    assert model.batches[0][0].messages == turns
    assert model.batches[1][0].messages[:8] == (
        Message("system", "Be brief."),
        Message("user", "Hello"),
        Message("assistant", "Go."),
        Message("user", "Rude?"),
        Message("assistant", "It is rude."),
        Message("user", "Mend it."),
        Message("assistant", "Welcome."),
        Message("user", "Hi"),
    )
    assert chain.template != revise(PROMPTS[:1], CONSTITUTION, Scripted(), SETTINGS, seed=0)[0].template


def test_asking_for_more_examples_than_there_are_is_the_users_mistake() -> None:
    with pytest.raises(ConstitutionError, match="asks for 2 worked examples; constitution 'c' has 1"):
        revise(PROMPTS, CONSTITUTION, Scripted(), RevisionSettings(few_shot=2), seed=0)


def test_an_empty_revision_keeps_the_response_before_it_and_what_it_cost() -> None:
    model = Scripted(lambda request: "" if request.messages[-1].content.startswith(REVISION) else "x")
    chain = revise(PROMPTS[:1], CONSTITUTION, model, SETTINGS, seed=0)[0]
    assert [revision.response.text for revision in chain.revisions] == ["x"] * 3
    assert {revision.hygiene for revision in chain.revisions} == {("empty",)}
    assert all(revision.flawed and revision.response.tokens == 1 for revision in chain.revisions)


def test_without_a_critique_no_revision_is_asked_for() -> None:
    model = Scripted(lambda request: "" if request.messages[-1].content.startswith(CRITIQUE) else "x")
    chain = revise(PROMPTS[:1], CONSTITUTION, model, SETTINGS, seed=0)[0]
    assert [len(batch) for batch in model.batches] == [1] * 4
    assert {revision.hygiene for revision in chain.revisions} == {("no_critique",)}
    assert chain.response(3).text == "x"


def test_an_empty_first_response_is_not_critiqued() -> None:
    model = Scripted(lambda _: "")
    chain = revise(PROMPTS[:1], CONSTITUTION, model, SETTINGS, seed=0)[0]
    assert len(model.batches) == 1
    assert {revision.hygiene for revision in chain.revisions} == {("empty",)}


def test_what_does_not_fit_the_context_is_flagged_and_the_rest_goes_on() -> None:
    prompts = [prompt("p1", "x " * 40), prompt("p2"), prompt("p3", "x " * 50)]
    model = Scripted(context_tokens=62)
    long, short, longest = revise(prompts, CONSTITUTION, model, RevisionSettings(rounds=1, max_tokens=20), seed=0)
    assert long.first.text
    assert long.revisions[0].hygiene == ("too_long",)
    assert long.response(1).text == long.first.text
    assert short.revisions[0].hygiene == ()
    assert (longest.first.text, longest.first.tokens, longest.first.stop) == ("", 0, "end")
    assert longest.revisions[0].response.tokens == 0
    assert longest.revisions[0].hygiene == ("too_long",)


def test_counts_add_up_over_parts() -> None:
    model = Scripted(lambda request: "" if request.messages[-1].content.startswith(REVISION) else "x")
    chains = revise(PROMPTS, CONSTITUTION, model, SETTINGS, seed=0)
    counts = count_hygiene(chains)
    assert (counts["chains"], counts["revisions"], counts["empty"], counts["flawed"], counts["unchanged"]) == (
        3,
        9,
        9,
        9,
        0,
    )
    assert counts["tokens"] == 3 * (2 + 3 * (2 + 1))  # two for an "x", one for the end alone
    parts = [count_hygiene(chains[:1]), count_hygiene(chains[1:])]
    assert counts == {name: sum(part[name] for part in parts) for name in counts}
