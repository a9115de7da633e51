"""How likely a model finds each of a few texts as what comes next.

Prompt and choice are tokenised together, as a text that holds both would be, so that a merge across their boundary or a
space that belongs to the next word is counted as the model has learnt it. What the prompt and all its choices have in
common is read once; each choice's remaining tokens are then scored in the precision of the weights, since a verdict
is a small difference of logits.

Shapes: R rows, T positions, V vocabulary, P tokens of branches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from charter.models.memory import in_halves
from charter.models.network import Network

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """A prompt's tokens up to where it or one of its choices first differs, and each choice's tokens from there."""

    stem: Tokens
    branches: tuple[Tokens, ...]

    @classmethod
    def at(cls, prompt: Sequence[int], choices: Sequence[Sequence[int]]) -> Fork:
        """``choices`` are the tokens of the prompt together with each choice."""
        length = min(_common(prompt, choice) for choice in choices)
        return cls(tuple(prompt[:length]), tuple(tuple(choice[length:]) for choice in choices))


@dataclass(frozen=True, slots=True)
class _Line:
    """A row to compute: what was read, and the tokens that go after it, the last of the stem first."""

    read: Tokens
    fed: Tokens

    @classmethod
    def of(cls, stem: Tokens, branch: Tokens) -> _Line:
        return cls(stem[:-1], (stem[-1], *branch[:-1]))


def score(network: Network, forks: Sequence[Fork]) -> list[tuple[float, ...]]:
    """For each fork, the log-probability (nats) of each branch after the stem.

    Where all branches are single tokens, one row serves.
    """
    carried: dict[_Line, list[Tokens]] = {}
    for stem, branch in dict.fromkeys((fork.stem, branch) for fork in forks for branch in fork.branches):
        carried.setdefault(_Line.of(stem, branch), []).append(branch)
    lines = sorted(carried, key=lambda line: (len(line.read), line.read, line.fed))
    found: dict[tuple[_Line, Tokens], float] = {}
    with network.evaluating():
        for batch in _batches(lines, network.row_budget()):
            for line, scores in zip(
                batch, in_halves(batch, lambda part: _score_batch(network, part, carried)), strict=True
            ):
                found.update(zip([(line, branch) for branch in carried[line]], scores, strict=True))
    return [tuple(found[_Line.of(fork.stem, branch), branch] for branch in fork.branches) for fork in forks]


def other_mass(logprobs: Sequence[float]) -> float:
    """The probability that fell on none of the choices, in [0, 1]."""
    return min(1.0, max(0.0, 1.0 - sum(math.exp(value) for value in logprobs)))


def _score_batch(
    network: Network, lines: Sequence[_Line], carried: Mapping[_Line, Sequence[Tokens]]
) -> list[list[float]]:
    """For each line, the log-probabilities of all branches that it carries."""
    longest = max(len(line.fed) for line in lines)
    copies = Counter(line.read for line in lines)  # in order of first appearance, and equal ones stand together
    rows = network.read(list(copies), list(copies.values()), longest)
    fed = [[*line.fed, *[0] * (longest - len(line.fed))] for line in lines]
    logits_RTV = network.step(rows, torch.tensor(fed, device=network.weight.device))
    branches = [(row, branch) for row, line in enumerate(lines) for branch in carried[line]]
    places = [
        (row, step, token, owner) for owner, (row, branch) in enumerate(branches) for step, token in enumerate(branch)
    ]
    row_P, step_P, token_P, owner_P = torch.tensor(places, dtype=torch.long).reshape(-1, 4).T
    logprobs_P = logits_RTV[row_P, step_P, token_P] - logits_RTV.logsumexp(-1)[row_P, step_P]
    sums = torch.zeros(len(branches), dtype=torch.float64).index_add(0, owner_P, logprobs_P.double().cpu())
    values = iter(sums.tolist())
    return [[next(values) for _ in carried[line]] for line in lines]


def _batches(lines: Sequence[_Line], budget: int) -> list[Sequence[_Line]]:
    """``lines``, by rising length, cut so that rows times longest stays within ``budget`` (one row may exceed it)."""
    batches: list[Sequence[_Line]] = []
    begin, fed = 0, 0
    for index, line in enumerate(lines):
        fed = max(fed, len(line.fed))
        if index > begin and (index + 1 - begin) * (len(line.read) + fed) > budget:
            batches.append(lines[begin:index])
            begin, fed = index, len(line.fed)
    return [*batches, lines[begin:]] if lines else []


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens the two begin with alike."""
    for index, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            return index
    return min(len(first), len(second))
