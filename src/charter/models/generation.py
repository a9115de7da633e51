"""Writing answers, many at once.

Jobs are sorted by length and cut into batches by a budget of positions. Jobs with the same prompt share its reading. A
row that has finished stays until a quarter of the batch has, and then all of those leave. What a job gets depends on
its own prompt and seed; its batch adds only the rounding of floating-point sums.

Shapes: R rows, T positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch
from torch import Tensor

from charter.errors import ModelError
from charter.models.memory import in_halves
from charter.models.network import Network
from charter.models.rows import Rows
from charter.models.sampling import draw, uniforms
from charter.types import StopReason

LEAVE_SHARE = 0.25  # of a batch's rows finished, from which they leave


@dataclass(frozen=True, slots=True)
class Job:
    """Continue ``prompt`` by at most ``limit`` tokens, at least one. ``stops``: whether the tokens so far suffice."""

    prompt: tuple[int, ...]
    limit: int
    seed: int
    temperature: float
    stops: Callable[[list[int]], bool] | None = None


@dataclass(slots=True)
class Written:
    """What a job got so far: its tokens, without the one that ended it, which ``end`` is; whether it is still going."""

    tokens: list[int] = field(default_factory=list[int])
    end: int | None = None
    stop: StopReason = "length"
    going: bool = True

    @property
    def drawn(self) -> tuple[int, ...]:
        """All tokens that were drawn."""
        return tuple(self.tokens) if self.end is None else (*self.tokens, self.end)

    def take(self, token: int, job: Job, ends: frozenset[int]) -> None:
        """One more token."""
        if token in ends:
            self.stop, self.going, self.end = "end", False, token
            return
        self.tokens.append(token)
        if job.stops is not None and job.stops(self.tokens):
            self.stop, self.going = "stop_text", False
        elif len(self.tokens) == job.limit:
            self.going = False


def write(network: Network, jobs: Sequence[Job], ends: frozenset[int]) -> list[Written]:
    """Each job's answer, in order. ``ends`` are the tokens that end one. Raises ``ModelError`` for broken weights."""
    written: dict[int, Written] = {}
    order = sorted(range(len(jobs)), key=lambda index: (len(jobs[index].prompt), jobs[index].prompt, index))
    with network.evaluating():
        for batch in _batches(jobs, order, network.row_budget()):
            found = in_halves(batch, lambda part: _write_batch(network, [jobs[index] for index in part], ends))
            written.update(zip(batch, found, strict=True))
    return [written[index] for index in range(len(jobs))]


def _batches(jobs: Sequence[Job], order: Sequence[int], budget: int) -> list[list[int]]:
    """``order``, by rising length, cut so that rows times longest stays within ``budget`` (one row may exceed it)."""
    batches: list[list[int]] = []
    limit = 0
    for index in order:
        job = jobs[index]
        limit = max(limit, job.limit)
        if not batches or (len(batches[-1]) + 1) * (len(job.prompt) + limit) > budget:
            batches.append([])
            limit = job.limit
        batches[-1].append(index)
    return batches


@dataclass(slots=True)
class _Live:
    """The rows of a batch that are still in it: the jobs' places, and the tensors that a step needs."""

    places: list[int]
    temperatures_R: Tensor
    uniforms_RT: Tensor
    last_R: Tensor

    @classmethod
    def start(cls, jobs: Sequence[Job], device: torch.device) -> _Live:
        longest = max(job.limit for job in jobs)
        return cls(
            places=list(range(len(jobs))),
            temperatures_R=torch.tensor([job.temperature for job in jobs], device=device),
            uniforms_RT=torch.stack([uniforms(job.seed, longest) for job in jobs]).to(device),
            last_R=torch.tensor([job.prompt[-1] for job in jobs], device=device),
        )

    def keep(self, rows: list[int]) -> None:
        chosen = torch.tensor(rows, device=self.last_R.device)
        self.places = [self.places[row] for row in rows]
        self.temperatures_R, self.uniforms_RT = self.temperatures_R[chosen], self.uniforms_RT[chosen]
        self.last_R = self.last_R[chosen]


def _write_batch(network: Network, jobs: Sequence[Job], ends: frozenset[int]) -> list[Written]:
    """Continues jobs, of which those with equal prompts stand together, until each has stopped."""
    written = [Written() for _ in jobs]
    longest = max(job.limit for job in jobs)
    rows = _read_prompts(network, jobs, longest)
    live = _Live.start(jobs, network.weight.device)
    for step in range(longest):
        logits_RV = network.step(rows, live.last_R[:, None])[:, -1]
        if step == 0 and bool(logits_RV.isnan().any()):
            raise ModelError(
                "the model computes no numbers (NaN): its weights are broken", "Take an earlier checkpoint."
            )
        live.last_R = draw(logits_RV, live.temperatures_R, live.uniforms_RT[:, step])
        for place, token in zip(live.places, live.last_R.tolist(), strict=True):
            if written[place].going:
                written[place].take(token, jobs[place], ends)
        going = [row for row, place in enumerate(live.places) if written[place].going]
        if not going:
            break
        if len(going) <= len(live.places) * (1 - LEAVE_SHARE):
            rows.keep(going)
            live.keep(going)
    return written


def _read_prompts(network: Network, jobs: Sequence[Job], room: int) -> Rows:
    """Rows of all prompts but for their last tokens, which the first step takes."""
    shared = [(prompt, len(list(same))) for prompt, same in groupby(jobs, key=lambda job: job.prompt)]
    return network.read([prompt[:-1] for prompt, _ in shared], [count for _, count in shared], room)
