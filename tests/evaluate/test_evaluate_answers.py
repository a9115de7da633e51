from __future__ import annotations

from collections.abc import Sequence

from charter.evaluate.answers import answer
from charter.models.base import GenerateRequest
from charter.models.fake import FakeModel
from charter.recipe import Evaluation
from charter.types import Completion, Conversation, Prompt


class Batched(FakeModel):
    """Answers with the request's seed, and keeps the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__(reply=lambda request: str(request.seed), context_tokens=30)
        self.batches: list[int] = []

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        self.batches.append(len(requests))
        return super().generate(requests)


def prompt(name: str, text: str = "Hi") -> Prompt:
    return Prompt(name, Conversation.of(text), "red_team", "c", "s", "evaluation")


SETTINGS = Evaluation(max_tokens=20)


def test_all_prompts_are_answered_in_one_call_and_in_order() -> None:
    model = Batched()
    answers = answer([prompt("p1"), prompt("p2")], "sl_cai", model, SETTINGS, seed=0)
    assert [given.id for given in answers] == ["answer-sl_cai-p1", "answer-sl_cai-p2"]
    assert model.batches == [2]


def test_an_answer_depends_on_its_prompt_and_seed_alone() -> None:
    together = answer([prompt("p1"), prompt("p2")], "sl_cai", Batched(), SETTINGS, seed=0)
    alone = answer([prompt("p2")], "rl_cai", Batched(), SETTINGS, seed=0)
    assert alone[0].completion == together[1].completion != together[0].completion
    assert answer([prompt("p2")], "rl_cai", Batched(), SETTINGS, seed=1) != alone


def test_a_prompt_without_room_for_an_answer_gets_an_empty_one() -> None:
    model = Batched()
    long, short = answer([prompt("p1", "x " * 21), prompt("p2")], "sl_cai", model, SETTINGS, seed=0)
    assert (long.completion.text, long.completion.stop, long.completion.tokens) == ("", "length", 0)
    assert short.completion.text
    assert model.batches == [1]
    assert answer([prompt("p1", "x " * 21)], "sl_cai", model, SETTINGS, seed=0)[0] == long
    assert model.batches == [1]
