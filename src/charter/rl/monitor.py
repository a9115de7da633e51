"""What to watch while a policy learns to please a preference model: reward, KL, length, loops.

A policy that over-optimises drifts far from its start, writes ever longer or shorter, and repeats what pleased (Bai et
al. 2022, §4.3, names boilerplate). All of it can be seen without a truth; where there is one, ``Observer.watch`` adds
its figures to the same lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean

from charter.types import Rollout

NGRAM = 4  # words
COMMON = 0.5  # a sentence in more than this share of a step's answers is boilerplate
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def observe(rollouts: Sequence[Rollout]) -> Mapping[str, float]:
    """A step's figures, each a mean over its answers unless its name says otherwise.

    ``length`` counts tokens; ``stopped_by_length`` is the share of answers cut off; ``repeated_sentences`` and
    ``repeated_ngrams`` look within each answer, ``boilerplate`` across them.
    """
    texts = [rollout.completion.text for rollout in rollouts]
    return {
        "reward": fmean(rollout.reward for rollout in rollouts),
        "score": fmean(rollout.score for rollout in rollouts),
        "kl": mean_kl(rollouts),
        "length": fmean(rollout.completion.tokens for rollout in rollouts),
        "stopped_by_length": fmean(rollout.completion.stop == "length" for rollout in rollouts),
        "repeated_sentences": fmean(map(repeated_sentences, texts)),
        "repeated_ngrams": fmean(map(repeated_ngrams, texts)),
        "boilerplate": boilerplate(texts),
    }


def mean_kl(rollouts: Sequence[Rollout]) -> float:
    """The KL divergence from the reference to the policy, in nats an answer, as the rollouts estimate it."""
    return fmean(rollout.kl for rollout in rollouts)


def repeated_sentences(text: str) -> float:
    """The share of a text's sentences that it has said before, in [0, 1]."""
    return _repeated(sentences(text))


def repeated_ngrams(text: str) -> float:
    """The share of a text's word ``NGRAM``-grams that occurred earlier in it, in [0, 1]."""
    words = text.lower().split()
    return _repeated([" ".join(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)])


def boilerplate(texts: Sequence[str]) -> float:
    """The share of texts that hold a sentence found in more than ``COMMON`` of them all, in [0, 1]."""
    found = [frozenset(sentences(text)) for text in texts]
    counts: dict[str, int] = {}
    for held in found:
        for sentence in held:
            counts[sentence] = counts.get(sentence, 0) + 1
    common = {sentence for sentence, count in counts.items() if count > COMMON * len(texts)}
    return sum(not common.isdisjoint(held) for held in found) / len(texts)


def sentences(text: str) -> list[str]:
    """A text's sentences, in lower case, without those that are empty."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text.lower()) if sentence.strip()]


def _repeated(items: Sequence[str]) -> float:
    return 1 - len(frozenset(items)) / len(items) if items else 0.0
