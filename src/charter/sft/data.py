"""What SL-CAI learns from: revised answers to red-team prompts, mixed with helpful samples (Bai et al. 2022, §3.1).

The paper fine-tunes on the revisions of all rounds (§3.1) or speaks of the last (§1.2): ``settings.revisions``. The
helpful samples are the helpful-only start's own answers, which keep it helpful. What is left out is counted by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from charter.recipe import Sft
from charter.types import FLAWS, Completion, Conversation, Prompt, Revision, RevisionChain

Source = Literal["revision", "helpful"]


@dataclass(frozen=True, slots=True)
class SftExample:
    """A conversation and the answer to learn."""

    id: str
    conversation: Conversation
    answer: str
    source: Source


@dataclass(frozen=True, slots=True)
class SftData:
    """The examples, in order, and how many of each source were left out for each reason.

    ``lenient`` says that hygiene would have left no revision at all, so that flawed ones were kept after all.
    """

    examples: tuple[SftExample, ...]
    left_out: Mapping[str, int]
    lenient: bool = False


def sft_data(chains: Sequence[RevisionChain], samples: Sequence[tuple[Prompt, Completion]], settings: Sft) -> SftData:
    """The examples that ``chains`` and the helpful ``samples`` give.

    With ``settings.drop_flawed``, flawed revisions (``Revision.flawed``) are left out, unless none would be left. A
    sample that was cut off is always left out, as learning it would teach ending there; an empty answer likewise.
    """
    data = _selected(chains, samples, settings)
    if settings.drop_flawed and chains and not any(example.source == "revision" for example in data.examples):
        return replace(_selected(chains, samples, settings.model_copy(update={"drop_flawed": False})), lenient=True)
    return data


def _selected(chains: Iterable[RevisionChain], samples: Iterable[tuple[Prompt, Completion]], settings: Sft) -> SftData:
    left_out: Counter[str] = Counter()
    examples: list[SftExample] = []
    for chain in chains:
        for round_index, revision in _chosen(chain, settings):
            if reason := _unfit_revision(revision, settings.drop_flawed):
                left_out[f"revision: {reason}"] += 1
                continue
            name = f"{chain.id}/{round_index}"
            examples.append(SftExample(name, chain.prompt.conversation, revision.response.text, "revision"))
    for index, (prompt, completion) in enumerate(samples):
        if reason := _unfit_answer(completion):
            left_out[f"helpful: {reason}"] += 1
            continue
        examples.append(SftExample(f"{prompt.id}/sample-{index}", prompt.conversation, completion.text, "helpful"))
    return SftData(tuple(examples), dict(sorted(left_out.items())))


def _chosen(chain: RevisionChain, settings: Sft) -> Iterator[tuple[int, Revision]]:
    """The rounds to learn from, counted from 1."""
    rounds = list(enumerate(chain.revisions, start=1))
    yield from rounds if settings.revisions == "all" else rounds[-1:]


def _unfit_revision(revision: Revision, drop_flawed: bool) -> str:
    if drop_flawed and revision.flawed:
        return next(flag for flag in revision.hygiene if flag in FLAWS)
    return "" if revision.response.text.strip() else "empty"


def _unfit_answer(completion: Completion) -> str:
    if completion.stop == "length":
        return "truncated"
    return "" if completion.text.strip() else "empty"
