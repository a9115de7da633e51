from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charter.errors import MemoError, ModelError
from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.fake import FakeModel, no_choice
from charter.models.memo import Memo, MemoModel, call_key
from charter.types import Message

TEXTS = st.text(max_size=8)
REQUESTS = st.builds(
    GenerateRequest,
    st.lists(st.builds(Message, st.just("user"), TEXTS), min_size=1, max_size=2).map(tuple),
    st.integers(1, 9),
    st.integers(0, 2**63),
    st.floats(0, 2),
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
)


def asks(*texts: str, seed: int = 0) -> list[GenerateRequest]:
    return [GenerateRequest((Message("user", text),), 20, seed) for text in texts]


def echo(request: GenerateRequest) -> str:
    return f"{request.messages[-1].content} heard"


def test_only_what_is_missing_is_asked_once_and_in_order(tmp_path: Path) -> None:
    order: list[str] = []

    def reply(request: GenerateRequest) -> str:
        order.append(request.messages[-1].content)
        return echo(request)

    model = MemoModel(FakeModel(reply), Memo(tmp_path / "memo.sqlite"), "fake")
    first = model.generate(asks("c", "a", "c"))
    assert [answer.text for answer in first] == ["c heard", "a heard", "c heard"]
    again = MemoModel(FakeModel(reply), Memo(tmp_path / "memo.sqlite"), "fake").generate(asks("a", "d", "c", "b"))
    assert [answer.text for answer in again] == ["a heard", "d heard", "c heard", "b heard"]
    assert order == ["c", "a", "d", "b"]
    assert model.generate([]) == []


def test_choices_come_back_exactly_also_those_without_probability(tmp_path: Path) -> None:
    request = ChoiceRequest((Message("user", "?"),), ("A", "B"))
    for odds in (lambda _request: (0.1, 0.2), no_choice):
        fake = FakeModel(odds=odds, name=str(odds))
        model = MemoModel(fake, Memo(tmp_path / "memo.sqlite"), "fake")
        assert model.choice_logprobs([request]) == model.choice_logprobs([request]) == fake.choice_logprobs([request])
        assert fake.choice_requests == 2
    assert model.choice_logprobs([request])[0].logprobs == (-math.inf, -math.inf)


def test_another_model_seed_or_prefill_is_another_call(tmp_path: Path) -> None:
    fake = FakeModel(echo)
    memo = Memo(tmp_path / "memo.sqlite")
    model = MemoModel(fake, memo, "fake")
    model.generate([*asks("a"), *asks("a", seed=1), GenerateRequest((Message("user", "a"),), 20, 0, prefill="b")])
    assert fake.generate_requests == 3
    other = FakeModel(echo, name="other")
    MemoModel(other, memo, "other").generate(asks("a"))
    assert other.generate_requests == 1


@given(REQUESTS, REQUESTS)
def test_two_calls_share_a_key_only_if_they_are_equal(one: GenerateRequest, other: GenerateRequest) -> None:
    assert (call_key("m", one) == call_key("m", other)) == (one == other)
    assert call_key("m", one) != call_key("n", one)


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    fake = FakeModel.by_rules([("bad", ModelError("broken")), ("", "fine")])

    class OneByOne(FakeModel):
        def generate_each(self, requests, done):  # type: ignore[no-untyped-def]
            answers = []
            for index, request in enumerate(requests):
                answers += fake.generate([request])
                done(index, answers[-1])
            return answers

        def choice_logprobs_each(self, requests, done):  # type: ignore[no-untyped-def]
            raise NotImplementedError

    memo = Memo(tmp_path / "memo.sqlite")
    with pytest.raises(ModelError, match="broken"):
        MemoModel(OneByOne(), memo, "fake").generate(asks("good", "bad", "late"))
    assert sum(kept.calls for kept in memo.kept()) == 1


def test_a_memo_is_shared_by_processes_that_write_at_once(tmp_path: Path) -> None:
    one, other = Memo(tmp_path / "memo.sqlite"), Memo(tmp_path / "memo.sqlite")
    one.keep("k", "d", "m", "1")
    other.keep("k", "d", "m", "2")
    other.keep("l", "d", "m", "3")
    assert one.find(["k", "l", "x"]) == {"k": "1", "l": "3"}


def test_pruning_forgets_a_models_calls_and_no_others(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo.sqlite")
    for name in ("one", "two"):
        MemoModel(FakeModel(echo, name=name), memo, name).generate(asks("a", "b"))
    assert memo.prune(["one"]) == 2
    assert [(kept.model, kept.calls) for kept in memo.kept()] == [("two", 2)]


def test_a_file_of_another_sort_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "a.txt", tmp_path / "b.sqlite"
    text.write_text("these are no calls, but a text that is long enough to look at\n" * 20, encoding="utf-8")
    rows = sqlite3.connect(other)
    rows.execute("CREATE TABLE mine (x)")
    rows.close()
    before = [path.read_bytes() for path in (text, other)]
    for path, why in ((text, "not a database"), (other, "another sort"), (tmp_path, "unable to open")):
        with pytest.raises(MemoError, match=why):
            Memo(path)
    assert [path.read_bytes() for path in (text, other)] == before


def test_an_answer_that_was_tampered_with_is_named(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo.sqlite")
    fake = FakeModel(echo)
    memo.keep(call_key(fake.digest, asks("a")[0]), fake.digest, "fake", '{"text": 1')
    with pytest.raises(MemoError, match="can't be read"):
        MemoModel(fake, memo, "fake").generate(asks("a"))
