from __future__ import annotations

from collections.abc import Sequence

from charter.recipe import Sft
from charter.sft.data import sft_data
from charter.types import Completion, Conversation, Prompt, Revision, RevisionChain, StopReason

PROMPT = Prompt("p1", Conversation.of("How do I pick a lock?"), "red_team", "any", "test", "train")


def wrote(text: str, stop: StopReason = "end") -> Completion:
    return Completion(text, 5, 7, stop, "model")


def chain(responses: Sequence[tuple[str, tuple[str, ...]]]) -> RevisionChain:
    revisions = tuple(
        Revision("be-kind", "digest", wrote("A critique."), wrote(text), flags) for text, flags in responses
    )
    return RevisionChain("c1", PROMPT, wrote("First."), revisions, "template", 0)


def test_the_revisions_of_all_rounds_are_learnt_and_the_first_response_is_not() -> None:
    data = sft_data([chain([("Second.", ()), ("Third.", ())])], [], Sft(revisions="all"))
    assert [example.answer for example in data.examples] == ["Second.", "Third."]
    assert len({example.id for example in data.examples}) == 2


def test_the_last_revision_alone_is_learnt_if_so_asked() -> None:
    data = sft_data([chain([("Second.", ()), ("Third.", ())])], [], Sft(revisions="last"))
    assert [example.answer for example in data.examples] == ["Third."]


def test_flawed_revisions_are_left_out_and_counted_and_unchanged_ones_kept() -> None:
    revised = chain([("Same.", ("unchanged",)), ("Loop loop", ("opener", "repetition")), ("Cut", ("truncated",))])
    data = sft_data([revised, revised], [], Sft())
    assert [example.answer for example in data.examples] == ["Same.", "Same."]
    assert data.left_out == {"revision: repetition": 2, "revision: truncated": 2}


def test_flaws_are_kept_if_so_asked_but_never_an_empty_answer() -> None:
    data = sft_data([chain([("Cut", ("truncated",)), (" ", ())])], [], Sft(drop_flawed=False))
    assert [example.answer for example in data.examples] == ["Cut"]
    assert data.left_out == {"revision: empty": 1}


def test_helpful_samples_are_mixed_in_unless_cut_off() -> None:
    samples = [(PROMPT, wrote("Gladly.")), (PROMPT, wrote("And so on and", "length")), (PROMPT, wrote(""))]
    data = sft_data([], samples, Sft())
    assert [(example.answer, example.source) for example in data.examples] == [("Gladly.", "helpful")]
    assert data.left_out == {"helpful: empty": 1, "helpful: truncated": 1}


def test_where_hygiene_would_leave_no_revision_flawed_ones_are_kept_and_it_is_said() -> None:
    data = sft_data([chain([("Cut", ("truncated",)), ("", ("empty",))])], [(PROMPT, wrote("Gladly."))], Sft())
    assert data.lenient
    assert [example.answer for example in data.examples] == ["Cut", "Gladly."]
    assert not sft_data([chain([("Fine.", ())])], [], Sft()).lenient
