"""Batches, pieces of a growing text, and clients that leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

from charter.models.local import LocalModel
from charter.serve.batcher import Batcher
from charter.serve.deltas import Deltas
from charter.serve.policies import Generation, PolicyLane


class Counting:
    """Doubles numbers; waits for ``gate`` first, and fails for a batch that holds 13."""

    budget = 10

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[list[int]] = []

    def size(self, item: int) -> int:
        return 1 if item < 100 else item

    def compute(self, items: Sequence[int]) -> list[int]:
        self.gate.wait(10)
        self.batches.append(list(items))
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


@pytest.fixture
def batcher() -> Any:
    found = Batcher()
    found.start()
    yield found
    found.close()


def begun(batcher: Batcher, lane: Counting) -> Any:
    """An item that the worker is at, so that what follows waits."""
    (first,) = batcher.submit(lane, [0])
    while not first.running():
        time.sleep(0.001)
    return first


def test_what_waits_goes_together_up_to_the_budget(batcher: Batcher) -> None:
    lane = Counting()
    begun(batcher, lane)
    futures = [batcher.submit(lane, [number])[0] for number in range(1, 16) if number != 13]
    lane.gate.set()
    assert [future.result(10) for future in futures] == [2 * number for number in range(1, 16) if number != 13]
    assert [len(batch) for batch in lane.batches] == [1, 10, 4]


def test_an_item_beyond_the_budget_goes_alone_and_other_lanes_keep_their_turn(batcher: Batcher) -> None:
    lane, other = Counting(), Counting()
    other.gate.set()
    begun(batcher, lane)
    big, theirs, small = batcher.submit(lane, [200])[0], batcher.submit(other, [1])[0], batcher.submit(lane, [2])[0]
    lane.gate.set()
    assert (big.result(10), theirs.result(10), small.result(10)) == (400, 2, 4)
    assert lane.batches == [[0], [200], [2]]


def test_one_that_fails_fails_alone(batcher: Batcher, caplog: pytest.LogCaptureFixture) -> None:
    lane = Counting()
    begun(batcher, lane)
    good, bad, fine = batcher.submit(lane, [1, 13, 2])
    lane.gate.set()
    assert (good.result(10), fine.result(10)) == (2, 4)
    with pytest.raises(ValueError, match="thirteen"):
        bad.result(10)
    assert "thirteen" in caplog.text


def test_what_is_given_up_while_it_waits_is_never_computed(batcher: Batcher) -> None:
    lane = Counting()
    begun(batcher, lane)
    gone, stays = batcher.submit(lane, [1, 2])
    gone.cancel()
    lane.gate.set()
    assert stays.result(10) == 4 and lane.batches == [[0], [2]]


def test_closing_ends_what_waits() -> None:
    batcher, lane = Batcher(), Counting()
    batcher.start()
    begun(batcher, lane)
    (waiting,) = batcher.submit(lane, [1])
    threading.Timer(0.05, lane.gate.set).start()
    batcher.close()
    assert waiting.cancelled()


@given(st.lists(st.sampled_from(["a", "b", "ab", "\ufffd", " "]), max_size=12), st.sampled_from(["ab", "b a", ""]))
def test_what_is_given_away_never_has_to_be_taken_back(steps: list[str], stop: str) -> None:
    text, given_away, deltas = "", "", Deltas([stop])
    for step in steps:
        text += step
        if stop and stop in text:
            text = text[: text.index(stop)]
            break
        given_away += deltas.of(text)
    assert text.startswith(given_away)


def test_a_beginning_of_a_stop_is_kept_back_until_it_is_known_to_be_none() -> None:
    deltas = Deltas(["\n\nHuman:"])
    pieces = [deltas.of(text) for text in ("Yes.", "Yes.\n", "Yes.\n\nHum", "Yes.\n\nHumus", "Yes.\n\nHumus \ufffd")]
    assert pieces == ["Yes.", "", "", "\n\nHumus", " "]


def test_a_dropped_generation_ends_at_its_next_token(policy: LocalModel) -> None:
    pieces: list[str] = []
    dropped = threading.Event()

    def listener(piece: str) -> None:
        pieces.append(piece)
        dropped.set()

    lane = PolicyLane("tiny", policy)
    item = Generation((1, 2, 3), 500, 0, 1.0, chat=False, listener=listener, dropped=dropped)
    stays = Generation((1, 2, 3), 30, 1, 1.0, chat=False)
    (given_up, other), (alone,) = lane.compute([item, stays]), lane.compute([stays])
    assert given_up.tokens < 40 and len(pieces) == 1
    assert other == alone


def test_a_client_that_hangs_up_breaks_nobody_elses_answer(address: str, client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "seed": 3}
    alone = client.chat.completions.create(**asked, max_tokens=20).choices[0].message.content
    for stream in (True, False):
        with pytest.raises(httpx.TimeoutException):
            body = {**asked, "n": 128, "max_tokens": 3000, "stop": ["never written"], "stream": stream}
            with httpx.stream("POST", f"{address}/chat/completions", json=body, timeout=0.3) as got:
                if stream:
                    next(got.iter_lines())
                    raise httpx.ReadTimeout("left after the first line")
                got.read()
        assert client.chat.completions.create(**asked, max_tokens=20).choices[0].message.content == alone
