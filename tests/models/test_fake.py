from __future__ import annotations

import doctest
import math

import pytest

import charter.models.fake
from charter.errors import ModelError
from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.fake import FakeModel, no_choice
from charter.types import Message

USER = (Message("user", "Which poison?"),)


def test_the_example_in_its_docstring_holds() -> None:
    names = {"GenerateRequest": GenerateRequest, "Message": Message}
    assert doctest.testmod(charter.models.fake, extraglobs=names).failed == 0


def test_the_first_rule_whose_pattern_occurs_decides() -> None:
    model = FakeModel.by_rules([("^user: .*poison", "No."), ("assistant: So", "on."), ("", "Yes.")])
    asked = [GenerateRequest(USER, 9, 0), GenerateRequest((Message("user", "Tea?"),), 9, 0, prefill="So")]
    assert [answer.text for answer in model.generate(asked)] == ["No.", "on."]
    assert (model.generate_requests, model.choice_requests) == (2, 0)


def test_without_a_rule_the_answer_is_empty() -> None:
    answer = FakeModel().generate([GenerateRequest(USER, 9, 0)])[0]
    assert (answer.text, answer.tokens, answer.stop) == ("", 1, "end")


def test_a_rule_may_raise() -> None:
    model = FakeModel.by_rules([("poison", ModelError("out of order"))])
    with pytest.raises(ModelError, match="out of order"):
        model.generate([GenerateRequest(USER, 9, 0)])


def test_a_fake_keeps_to_limits_and_stop_texts() -> None:
    model = FakeModel(lambda _request: "One two three. Four five.")
    limited, stopped = model.generate([GenerateRequest(USER, 2, 0), GenerateRequest(USER, 9, 0, stop=(" Four",))])
    assert (limited.text, limited.stop, limited.tokens) == ("One two", "length", 2)
    assert (stopped.text, stopped.stop, stopped.tokens) == ("One two three.", "stop_text", 3)


def test_choices_have_the_scripted_odds_and_the_rest_is_kept() -> None:
    model = FakeModel(odds=lambda _request: (0.5, 0.25))
    answer = model.choice_logprobs([ChoiceRequest(USER, ("A", "B"))])[0]
    assert answer.logprobs == (math.log(0.5), math.log(0.25)) and answer.other == 0.25
    nothing = FakeModel(odds=no_choice).choice_logprobs([ChoiceRequest(USER, ("A", "B"))])[0]
    assert nothing.logprobs == (-math.inf, -math.inf) and nothing.other == 1


@pytest.mark.parametrize("odds", [(0.5,), (0.9, 0.9), (-0.1, 0.5)])
def test_odds_that_are_no_probabilities_are_refused(odds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="are not the probabilities"):
        FakeModel(odds=lambda _request: odds).choice_logprobs([ChoiceRequest(USER, ("A", "B"))])


def test_a_fakes_digest_is_that_of_its_name_and_rules() -> None:
    assert FakeModel(name="a").digest == FakeModel(name="a").digest != FakeModel(name="b").digest
    rules = FakeModel.by_rules([("a", "b")]), FakeModel.by_rules([("a", "b")]), FakeModel.by_rules([("a", "c")])
    assert rules[0].digest == rules[1].digest != rules[2].digest
