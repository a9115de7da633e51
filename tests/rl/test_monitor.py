from __future__ import annotations

import math

from charter.rl.monitor import boilerplate, observe, repeated_ngrams, repeated_sentences
from charter.types import Completion, Conversation, Prompt, Rollout, StopReason


def rollout(text: str, stop: StopReason = "end", kl: float = 0.0) -> Rollout:
    prompt = Prompt("p", Conversation.of("Hello"), "helpful", "any", "test", "train")
    return Rollout("r", 0, prompt, Completion(text, len(text.split()), 3, stop, "m"), 2.0, kl, 2.0 - kl, 0.0)


def test_a_loop_of_sentences_is_seen() -> None:
    assert repeated_sentences("I can help. I can help! Here is how.") == 0.0
    assert math.isclose(repeated_sentences("I can help. Here is how. I can help."), 1 / 3)
    assert repeated_sentences("") == 0.0


def test_a_loop_within_a_sentence_is_seen() -> None:
    assert repeated_ngrams("one two three four five") == 0.0
    assert repeated_ngrams("no no no no no no no no") == 0.8
    assert repeated_ngrams("short text") == 0.0


def test_the_same_sentence_in_most_answers_is_boilerplate() -> None:
    assert boilerplate(["You are valued. Yes.", "You are valued. No.", "You are valued.", "Paris."]) == 0.75
    assert boilerplate(["Yes.", "No.", "Paris.", "Rome."]) == 0.0


def test_a_steps_figures_are_means_over_its_answers() -> None:
    figures = observe([rollout("It is so.", "end", 1.0), rollout("It goes on and", "length", 3.0)])
    assert figures["kl"] == 2.0
    assert figures["reward"] == 0.0
    assert figures["stopped_by_length"] == 0.5
    assert figures["length"] == 3.5
